#include "fovea/model/save.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>

#include "fovea/io/convert.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/safetensors.h"
#include "fovea/model/families/family.h"
#include "fovea/model/names.h"

namespace fovea {
namespace {

using nlohmann::ordered_json;

bool is_set(const std::array<int, 2>& size) { return size[0] > 0; }

// What timm's names and the keys of config.json have no word for.
void check_can_be_said(const Architecture& a, const std::string& where) {
  const bool is_timms = a.family.empty() || a.family == kTimm.name;
  const char* part = a.projection > 0                     ? "a projection of features"
                     : a.attention_pool && !is_timms      ? "attention pooling"
                     : a.block.rotation && !is_timms      ? "rotary positions"
                     : a.block.bias_rows > 0 && !is_timms ? "relative positions"
                                                          : nullptr;
  if (part == nullptr) return;
  fail("{}: the model has {}, which timm's names can't say; expected a model without", where, part);
}

ordered_json arguments_of(const Architecture& a) {
  ordered_json args;
  args["num_heads"] = a.block.heads;
  if (is_set(a.image_size)) args["img_size"] = a.image_size;
  if (a.stem == Stem::conv) args["patch_size"] = a.patch[0];
  if (a.position_rows == 0) args["pos_embed"] = "none";
  if (a.block.post_norm) args["use_post_norm"] = true;
  if (!a.final_norm) args["final_norm"] = false;
  if (a.resampling == Resampling::plain) args["pos_resampling"] = "plain";
  if (!a.block.gated && a.block.activation != Activation::gelu)
    args["act_layer"] = to_string(a.block.activation);
  if (a.routing) {
    if (a.routing->little_every > 0) {
      args["little_num_heads"] = a.routing->little_heads;
      args["little_every"] = a.routing->little_every;
    }
    args["first_big"] = a.routing->first_big;
    args["predict_after"] = a.routing->predict_after;
    args["keep_ratio"] = a.routing->keep_ratio;
    if (!a.routing->learned) args["learned_routing"] = false;
    if (!a.routing->cross_attention) args["cross_attention"] = false;
  }
  return args;
}

ordered_json preprocessing_of(const Architecture& a, const Preprocessing& p) {
  ordered_json cfg;
  if (is_set(a.input_size)) cfg["input_size"] = {3, a.input_size[0], a.input_size[1]};
  cfg["mean"] = p.mean;
  cfg["std"] = p.std;
  cfg["interpolation"] = p.interpolation == Interpolation::bicubic ? "bicubic" : "bilinear";
  cfg["crop_pct"] = p.crop_pct;
  cfg["crop_mode"] = p.fit == Fit::squash ? "squash" : "center";
  return cfg;
}

// Whether timm's keys say all of it.
bool is_timms(const Preprocessing& p) {
  return (p.fit == Fit::cover || p.fit == Fit::squash) && !p.crop_down && p.full_scale == 255;
}

ordered_json sides(int height, int width) { return {{"height", height}, {"width", width}}; }

// transformers' keys, for what timm's can't say.
ordered_json preprocessor_of(const Architecture& a, const Preprocessing& p) {
  const auto [height, width] = made_for(a);
  const int edge = resized_side(std::max(height, width), p.crop_pct);
  const bool squash = p.fit == Fit::squash;
  ordered_json top;
  top["image_processor_type"] = squash ? "DeiTImageProcessor" : "BitImageProcessor";
  top["do_resize"] = p.fit != Fit::crop && p.fit != Fit::exact;
  top["size"] = squash ? sides(resized_side(height, p.crop_pct), resized_side(width, p.crop_pct))
                       : ordered_json{{"shortest_edge", edge}};
  top["do_center_crop"] = p.fit != Fit::exact;
  top["crop_size"] = sides(height, width);
  top["resample"] = p.interpolation == Interpolation::bicubic ? 3 : 2;
  top["do_rescale"] = true;
  top["rescale_factor"] = 1.0 / p.full_scale;
  top["do_normalize"] = true;
  top["image_mean"] = p.mean;
  top["image_std"] = p.std;
  return top;
}

// Values of two bytes each. Throws Error for those that become infinite.
std::vector<uint16_t> narrow(const std::string& name, const Array& values, Storage storage,
                             const std::string& file) {
  std::vector<uint16_t> halves;
  halves.reserve(values.data.size());
  for (const float value : values.data) {
    const bool is_half = storage == Storage::f16;
    halves.push_back(is_half ? float_to_half(value) : float_to_bfloat16(value));
    if (is_half && std::isfinite(value) && std::isinf(half_to_float(halves.back()))) {
      fail("{}: tensor {} holds {}; expected at most 65504 for f16", file, name, value);
    }
  }
  return halves;
}

}  // namespace

std::string config_text(const Architecture& architecture, const Config& config) {
  ordered_json top;
  top["architecture"] = architecture.name;
  top["num_classes"] = architecture.classes;
  top["global_pool"] = to_string(architecture.pooling);
  top["layer_norm_eps"] = architecture.block.eps;
  top["model_args"] = arguments_of(architecture);
  top["pretrained_cfg"] = preprocessing_of(architecture, config.preprocessing);
  if (!config.labels.empty()) top["label_names"] = config.labels;
  if (!config.label_descriptions.empty()) top["label_descriptions"] = config.label_descriptions;
  if (config.problem_type == ProblemType::multi_label) {
    top["problem_type"] = "multi_label_classification";
  } else if (config.problem_type == ProblemType::regression) {
    top["problem_type"] = "regression";
  }
  return top.dump(1) + "\n";
}

Replacement prepare_weights(const std::filesystem::path& path,
                            const std::vector<NamedValues>& weights, Storage storage,
                            const std::map<std::string, std::string>& metadata) {
  std::vector<std::vector<uint16_t>> halves(storage == Storage::f32 ? 0 : weights.size());
  std::vector<TensorToWrite> tensors;
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto& [name, values] = weights[i];
    TensorToWrite& tensor = tensors.emplace_back(to_write(name, *values));
    if (storage == Storage::f32) continue;
    halves[i] = narrow(name, *values, storage, path.string());
    tensor.dtype = storage == Storage::f16 ? "F16" : "BF16";
    tensor.bytes = std::as_bytes(std::span(halves[i]));
  }
  return prepare_safetensors(path, tensors, metadata);
}

void save_model(const std::filesystem::path& folder, const Architecture& architecture,
                const Config& config, const std::vector<Weight>& weights, Storage storage) {
  check_can_be_said(architecture, folder.string());
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("{}: cannot be made: {}", folder.string(), error.message());
  std::vector<NamedValues> tensors;
  for (const Weight& weight : weights) {
    tensors.push_back({timm_name(weight.name, architecture.block.branches), &weight.values});
  }
  Replacement model = prepare_weights(folder / "model.safetensors", tensors, storage);
  Replacement told(folder / "config.json",
                   [&](std::ostream& out) { out << config_text(architecture, config); });
  const std::filesystem::path preprocessor = folder / "preprocessor_config.json";
  if (is_timms(config.preprocessing)) {
    Replacement::take_places({&model, &told});
    // Another model's, which would be laid over what was written.
    std::filesystem::remove(preprocessor, error);
    return;
  }
  Replacement pictures(preprocessor, [&](std::ostream& out) {
    out << preprocessor_of(architecture, config.preprocessing).dump(1) << "\n";
  });
  Replacement::take_places({&model, &told, &pictures});
}

}  // namespace fovea
