#include "fovea/train/student.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "fovea/backend/torch/device.h"
#include "fovea/io/fail.h"
#include "fovea/model/stored.h"
#include "fovea/model/tensors.h"
#include "fovea/model/weights.h"
#include "fovea/train/big_little_student.h"
#include "fovea/train/media_student.h"
#include "fovea/train/segment_student.h"

namespace fovea {
namespace {

std::set<std::string> tensors_of_head(const Architecture& a) {
  Architecture headless = a;
  headless.classes = 0;
  return tensors_beside(a, headless);
}

// A checkpoint's weights, but a head that training starts from.
class WithNewHead : public WeightSource {
 public:
  // `of_head`: its tensors, and those of what a classifier has before it.
  WithNewHead(WeightSource& weights, std::set<std::string> of_head, uint64_t seed)
      : weights_(weights), of_head_(std::move(of_head)), initial_(seed, 1) {}

 private:
  Array values(const std::string& name, const Shape& shape, Start start) override {
    return of_head_.contains(name) ? initial_.read(name, shape, start)
                                   : weights_.read(name, shape, start);
  }

  WeightSource& weights_;
  std::set<std::string> of_head_;
  InitialWeights initial_;
};

void set_stem(const Recipe& r, Architecture& a) {
  if (r.stem == "hmlp") {
    a.stem = Stem::hmlp;
    a.convolutions = hmlp_convolutions(r.width, r.patch_size, "stem hmlp");
  } else if (r.stem == "conv") {
    a.stem = Stem::conv;
    a.convolutions = overlapping_convolutions(r.stem_widths, r.patch_size, "stem_widths");
  }
}

Architecture new_architecture(const Recipe& r, int classes) {
  Architecture a;
  a.name = "vit";
  a.width = r.width;
  a.depth = r.depth;
  a.block.heads = r.heads;
  a.block.branches = r.branches;
  a.block.mlp_width = static_cast<int>(std::lround(r.mlp_ratio * r.width));
  set_stem(r, a);
  a.patch = {r.patch_size, r.patch_size};
  a.class_token = r.class_token;
  a.distillation_token = a.distilled_head = r.distillation_token;
  a.block.scale_attention = a.block.scale_mlp = r.layer_scale > 0;
  a.pooling = r.global_pool == "token" ? Pooling::token : Pooling::average;
  a.final_norm = a.pooling == Pooling::token || classes == 0;
  a.fc_norm = !a.final_norm;
  a.classes = classes;
  const int side = r.img_size > 0 ? r.img_size : 224;
  a.image_size = {side, side};
  a.input_size = a.image_size;
  a.position_rows = side / r.patch_size * (side / r.patch_size) + a.prefix();
  set_medium(r, a);
  return a;
}

Preprocessing new_preprocessing(const Recipe& r) {
  Preprocessing p;
  std::copy(r.mean.begin(), r.mean.end(), p.mean.begin());
  std::copy(r.std.begin(), r.std.end(), p.std.begin());
  p.interpolation = r.interpolation == "bicubic" ? Interpolation::bicubic : Interpolation::bilinear;
  p.crop_pct = r.crop_pct;
  return p;
}

// The size of input that the model has had may be all that tells the grid of its positions.
void keep_grid(Architecture& a) {
  if (a.position_rows == 0 || !a.image_size.empty()) return;
  a.image_size = position_layout(a, made_for(a) / a.patch).grid * a.patch;
}

void set_input(Student& student, const Recipe& recipe) {
  Architecture& a = student.architecture;
  keep_grid(a);
  resize_medium(recipe.img_size, a);
  a.input_size = made_for(a);
  if (recipe.frame_stride > 0) student.config.frame_stride = recipe.frame_stride;
  if (a.medium == Medium::sound) return;
  if (recipe.img_size > 0 && a.medium == Medium::picture)
    a.input_size = {recipe.img_size, recipe.img_size};
  for (const auto& [side, patch] : {std::pair(a.input_size.rows, a.patch.rows),
                                    std::pair(a.input_size.columns, a.patch.columns)}) {
    if (side % patch != 0)
      fail("img_size is {}; expected a multiple of the patch, {}", side, patch);
  }
  student.config.preprocessing.height = a.input_size.rows;
  student.config.preprocessing.width = a.input_size.columns;
}

bool is_chosen(const std::string& name, const Recipe& recipe, bool is_of_head, bool has_new_head) {
  if (recipe.tune == "all") return true;
  if (is_of_head) return has_new_head || recipe.tune == "head";
  if (recipe.tune == "attention") return name.find(".attn.") != std::string::npos;
  return recipe.tune == "mlp" && name.find(".mlp.") != std::string::npos;
}

void freeze(Student& student, const Recipe& recipe) {
  const std::set<std::string> of_head = tensors_of_head(student.architecture);
  bool any = false;
  for (const auto& [name, values] : student.torch->parameters()) {
    const bool chosen = is_chosen(name, recipe, of_head.contains(name), student.has_new_head);
    torch::Tensor handle = values;
    if (!chosen) handle.set_requires_grad(false);
    any = any || handle.requires_grad();
  }
  if (!any) fail("tune is {}; the model has no such weights", recipe.tune);
}

void set_routing(Student& student, const Recipe& recipe) {
  if (!student.architecture.routing) return;
  if (recipe.keep_ratio > 0) student.architecture.routing->keep_ratio = recipe.keep_ratio;
  if (recipe.drop_path > 0) {
    fail("drop_path is {}; expected 0 for a big.LITTLE ViT", recipe.drop_path);
  }
}

// Later layers are left out more often, as DeiT does it.
void set_drop_path(Vit<Torch>& vit, double rate) {
  const double last = std::max(1, vit.architecture.depth - 1);
  for (Block<Torch>& block : vit.blocks) {
    const double share = rate * block.layer / last;
    for (Attention<Torch>& attention : block.attns) attention.proj.drop_path = share;
    for (Mlp<Torch>& mlp : block.ffns) mlp.fc2.drop_path = share;
  }
}

// The student's weights from `source`, and those that a big.LITTLE ViT has beside them. The model
// keeps copies of the architecture, which must be as it stays.
void load_weights(WeightSource& source, const Recipe& recipe, const std::string& name,
                  Student& student) {
  Architecture& a = student.architecture;
  const bool becomes_routed = recipe.big_little && !a.routing;
  if (becomes_routed) add_routing(recipe, name, a);
  set_routing(student, recipe);
  set_input(student, recipe);
  a.parameters = count_parameters(a);
  if (becomes_routed) {
    WithRouting routed(source, a, recipe.seed);
    student.vit = Vit<Torch>::load(*student.torch, routed, a);
  } else {
    student.vit = Vit<Torch>::load(*student.torch, source, a);
  }
}

void load_from(const std::string& model, const Recipe& recipe,
               const std::vector<std::string>& classes, Student& student) {
  const StoredModel stored = open_stored(model, recipe.num_heads, recipe.key);
  student.config = stored.config;
  student.architecture = stored.architecture;
  Architecture& a = student.architecture;
  if (a.neck > 0 && !is_segment(recipe)) {
    fail("{}: is a Segment Anything and objective is {}; expected segment", model,
         recipe.objective);
  }
  const int count = static_cast<int>(classes.size());
  student.has_new_head = count > 0 && (a.classes != count || student.config.labels != classes);
  a.classes = count;
  Architecture headless = a;
  headless.classes = 0;
  if (student.has_new_head) a.projection = 0;  // a head takes its place, as in timm's CLIP
  if (student.has_new_head && a.medium != Medium::picture) set_classifier(a);
  CheckpointWeights weights(stored.checkpoint);
  WithNewHead adapted(weights, tensors_beside(a, headless), recipe.seed);
  WeightSource& source = student.has_new_head ? static_cast<WeightSource&>(adapted)
                                              : static_cast<WeightSource&>(weights);
  if (!is_segment(recipe)) {
    load_weights(source, recipe, model, student);
    return;
  }
  DecoderShape decoder = infer_decoder(stored.checkpoint, stored.config);
  if (recipe.img_size > 0) resize_encoder({recipe.img_size, recipe.img_size}, a);
  ResizedEncoder resized(source, stored.architecture, a);
  load_weights(resized, recipe, model, student);
  decoder.grid = a.position_grid;
  student.segmentation = Segmentation<Torch>::load(*student.torch, weights, decoder);
}

void make_new(const Recipe& recipe, int classes, Student& student) {
  InitialWeights weights(recipe.seed, static_cast<float>(recipe.layer_scale));
  student.has_new_head = true;
  student.config.preprocessing = new_preprocessing(recipe);
  set_medium(recipe, student.config);
  if (!is_segment(recipe)) {
    student.architecture = new_architecture(recipe, classes);
    MediaStart start(weights, student.architecture);
    load_weights(start, recipe, "the recipe", student);
    return;
  }
  student.architecture = new_encoder(recipe);
  student.config.preprocessing.fit = Fit::corner;
  student.config.preprocessing.crop_pct = 1;
  student.config.preprocessing.interpolation = Interpolation::bilinear;
  load_weights(weights, recipe, "the recipe", student);
  DecoderStart of_decoder(weights);
  student.segmentation = Segmentation<Torch>::load(*student.torch, of_decoder, new_decoder(recipe));
}

}  // namespace

int64_t parameters_of(const Student& student) {
  int64_t count = student.architecture.parameters;
  if (!student.segmentation) return count;
  for_each_tensor(student.segmentation->shape,
                  [&](const ListedTensor& tensor) { count += elements(tensor.shape); });
  return count;
}

Medium medium_of(const Recipe& recipe) {
  const std::string start = start_of(recipe);
  if (!start.empty()) return open_stored(start, recipe.num_heads, recipe.key).architecture.medium;
  if (recipe.medium == "picture") return Medium::picture;
  return recipe.medium == "video" ? Medium::video : Medium::sound;
}

Student make_student(const Recipe& recipe, const std::vector<std::string>& classes) {
  Student student;
  student.torch = std::make_unique<Torch>(parse_device(recipe.device));
  const std::string start = start_of(recipe);
  if (start.empty()) {
    make_new(recipe, static_cast<int>(classes.size()), student);
  } else {
    load_from(start, recipe, classes, student);
  }
  student.config.labels = classes;
  student.config.problem_type = ProblemType::single_label;  // whatever it was trained for before
  set_drop_path(student.vit, recipe.drop_path);
  freeze(student, recipe);
  return student;
}

}  // namespace fovea
