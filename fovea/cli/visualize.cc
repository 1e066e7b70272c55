// fovea visualize: pictures in, drawings of which of their patches merged, or took the big path,
// out.
#include <algorithm>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/drawings.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/speedup.h"
#include "fovea/cli/visualize_pca.h"
#include "fovea/io/fail.h"
#include "fovea/report/groups.h"
#include "fovea/report/routes.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  std::string model, output, layers, size, keep_ratio;
  bool animate = false;
  bool json = false;
  bool pca = false;
  PictureFlags pictures;
  MergeFlags merge;
  RunFlags run;
};

// What there is to draw of every picture.
struct Drawing {
  Preprocessing spec;       // of the model's input
  std::vector<int> layers;  // after which, or in which a route is drawn, counted from 1
  int rows, columns;        // of patches
  Grid seen;                // by them, in pixels of the input
  int prefix;               // tokens before those of the patches
  int enlarged;             // panels are so many times larger than the input
  int plain_layers, depth;  // the layers between them are routed, none of a plain ViT

  bool is_routed() const { return plain_layers < depth; }
};

// Layers after which to draw, from 1: as typed, else `otherwise`.
std::vector<int> chosen_layers(const std::string& text, int depth,
                               const std::vector<int>& otherwise) {
  if (text.empty()) return otherwise;
  std::vector<int> layers;
  for (const std::string& part : split(text)) {
    layers.push_back(parse_whole("--layers", part, 1, depth));
    if (layers.size() > 1 && layers.back() <= layers[layers.size() - 2]) {
      fail("--layers {}: expected ascending layers", printable(text));
    }
  }
  return layers;
}

// A whole multiple, so that patches are whole pixels: large enough to see on a screen.
int enlargement(const Preprocessing& spec, bool many_panels) {
  const int least = many_panels ? 384 : 640;
  const int side = std::max(spec.height, spec.width);
  return (least + side - 1) / side;
}

// What is drawn unless the user says otherwise: after the last layer, or where a new route begins;
// animated, every layer.
std::vector<int> default_layers(const Architecture& a, bool animated) {
  if (animated) {
    std::vector<int> all(a.depth - (a.routing ? a.plain_layers() : 0));
    std::iota(all.begin(), all.end(), a.depth - static_cast<int>(all.size()) + 1);
    return all;
  }
  if (!a.routing) return {a.depth};
  std::vector<int> first;
  for (const int layer : a.routing->predict_after) first.push_back(layer + 1);
  return first;
}

Drawing drawing_of(const Flags& flags, const Model& model, bool animated) {
  const Architecture& a = model.architecture();
  Drawing plan;
  plan.spec = preprocessing_of(flags.size, model);
  const Grid grid = a.patches_of({plan.spec.height, plan.spec.width});
  plan.rows = grid.rows;
  plan.columns = grid.columns;
  plan.seen = grid * a.patch;
  plan.prefix = a.prefix();
  plan.layers = chosen_layers(flags.layers, a.depth, default_layers(a, animated));
  plan.plain_layers = a.plain_layers();
  plan.depth = a.depth;
  plan.enlarged = enlargement(plan.spec, !animated && (plan.layers.size() > 1 || plan.is_routed()));
  return plan;
}

// All panels of one file are kept until it is written.
void check_size(const Drawing& plan, const DrawingOutput& output, size_t pictures) {
  const int64_t panel = int64_t{plan.spec.height} * plan.spec.width * plan.enlarged * plan.enlarged;
  const auto panels = static_cast<int64_t>(plan.layers.size() + (plan.is_routed() ? 2 : 1));
  const auto drawings = output.is_folder ? 1 : static_cast<int64_t>(pictures);
  if (panel * panels <= kMaxPixels / drawings) return;
  fail("{}: {} drawings of {} panels of {} pixels; expected at most {} megapixels in one file{}",
       output.path.string(), drawings, panels, panel, kMaxPixels / 1'000'000,
       drawings > 1 ? ": name a folder for a file of each" : "");
}

// As many as --speedup comes to; where nothing was said of how many, so many that a quarter of the
// patches is left; none where there are routes to be seen.
void choose_r(const Flags& flags, const Model& model, const Drawing& plan, RunOptions& options) {
  if (!flags.merge.speedup.empty()) {
    return resolve_speedup(flags.merge, flags.model, model.architecture(),
                           {plan.spec.height, plan.spec.width}, options);
  }
  if (plan.is_routed()) return;
  const MergeTexts texts = layered(flags.merge);
  const auto matching = texts.find("matching");
  const bool by_k = matching != texts.end() && matching->second == "kth";
  if (by_k || texts.contains("r") || texts.contains("threshold")) return;
  const int r = std::max(1, plan.rows * plan.columns * 3 / 4 / plan.depth);
  options.merge.schedule.r = r;
  note(fmt::format("--r {}, as none is given: about a quarter of the patches is left", r));
}

// The token that each patch is part of after layer `layer`, from 1.
PatchLabels labels_after(int layer, const IntArray& trace, int64_t image, const Drawing& plan) {
  const int64_t positions = trace.shape[2];
  const auto first = trace.data.begin() + (image * trace.shape[1] + layer - 1) * positions;
  return {plan.rows, plan.columns, {first + plan.prefix, first + positions}};
}

// The patches that took the big path in layer `layer`, from 1.
PatchLabels route_in(int layer, const Result& result, int64_t image, const Drawing& plan) {
  return {plan.rows, plan.columns,
          took_big_path(result.routes, result.trace, image, layer, plan.prefix)};
}

// In how many of the routed layers each patch took the big path.
PatchLabels times_on_route(const Result& result, int64_t image, const Drawing& plan) {
  PatchLabels times{plan.rows, plan.columns,
                    std::vector<int32_t>(static_cast<size_t>(plan.rows) * plan.columns)};
  for (int layer = plan.plain_layers + 1; layer <= plan.depth; ++layer) {
    const PatchLabels route = route_in(layer, result, image, plan);
    std::transform(times.of.begin(), times.of.end(), route.of.begin(), times.of.begin(),
                   std::plus<>());
  }
  return times;
}

// What was drawn of a picture, for the user to read.
struct Drawn {
  fs::path picture, file;
  std::vector<int> groups;    // for each layer of the plan
  std::vector<int> on_route;  // likewise: the patches on the big path
};

nlohmann::ordered_json as_json(const Drawn& drawn, const Drawing& plan) {
  nlohmann::ordered_json line = {{"file", drawn.picture.string()},
                                 {"output", drawn.file.string()},
                                 {"patches", plan.rows * plan.columns},
                                 {"layers", plan.layers},
                                 {"groups", drawn.groups}};
  if (plan.is_routed()) line["big"] = drawn.on_route;
  return line;
}

void print_drawn(const Drawn& drawn, const Drawing& plan, bool json) {
  if (json) return print_json_line(as_json(drawn, plan));
  const int patches = plan.rows * plan.columns;
  const std::string groups = fmt::format("{} groups after layer {}", fmt::join(drawn.groups, " "),
                                         fmt::join(plan.layers, " "));
  const std::string on_route =
      fmt::format("{} on the big path in layer {}", fmt::join(drawn.on_route, " "),
                  fmt::join(plan.layers, " "));
  print(fmt::format("{}: {} patches, {}: {}\n", drawn.picture.string(), patches,
                    plan.is_routed() ? on_route : groups, drawn.file.string()));
}

// The picture as it comes into layer `layer`: its merged patches, where some are.
Image before(int layer, const Image& picture, const Result& result, int64_t image,
             const Drawing& plan) {
  if (layer == 1) return picture;
  const PatchLabels groups = labels_after(layer - 1, result.trace, image, plan);
  return count_groups(groups) < plan.rows * plan.columns ? draw_groups(picture, groups) : picture;
}

// What is drawn of image `image` of a run, and beside it the picture.
std::vector<Image> panels_of(const Image& picture, const Result& result, int64_t image,
                             const Drawing& plan, Drawn& drawn) {
  std::vector<Image> panels = {picture};
  for (const int layer : plan.layers) {
    const PatchLabels groups = labels_after(layer, result.trace, image, plan);
    drawn.groups.push_back(count_groups(groups));
    if (!plan.is_routed()) {
      panels.push_back(draw_groups(picture, groups));
      continue;
    }
    const PatchLabels route = route_in(layer, result, image, plan);
    panels.push_back(draw_route(before(layer, picture, result, image, plan), route));
    drawn.on_route.push_back(std::accumulate(route.of.begin(), route.of.end(), 0));
  }
  if (plan.is_routed()) {
    panels.push_back(
        draw_heat(picture, times_on_route(result, image, plan), plan.depth - plan.plain_layers));
  }
  return panels;
}

// Draws all pictures; returns the exit status of the run.
int draw(const Model& model, const Pictures& pictures, RunOptions options, const Drawing& plan,
         DrawingWriter& writer, std::vector<Drawn>& all) {
  ReadOptions again = pictures.read;
  again.counts = nullptr;
  const auto take = [&](const fs::path& picture, int64_t image, const Result& result) {
    Drawn drawn = {picture, {}, {}, {}};
    const Image seen = seen_picture(picture, again, plan.spec, plan.seen, plan.enlarged);
    std::vector<Image> panels = panels_of(seen, result, image, plan, drawn);
    drawn.file = writer.add(picture, std::move(panels));
    all.push_back(std::move(drawn));
  };
  options.want_trace = true;
  const int status = run_pictures(model, pictures, plan.spec, options, take);
  writer.finish();
  return status;
}

// Nothing merges unless it is asked for.
int visualize_pca(const Flags& flags, const Model& model, const Pictures& pictures,
                  RunOptions options, const Drawing& plan, const DrawingOutput& output) {
  resolve_speedup(flags.merge, flags.model, model.architecture(),
                  {plan.spec.height, plan.spec.width}, options);
  DrawingWriter writer(output);
  const bool is_last = flags.layers.empty() && !output.animated();
  return draw_pca(model, pictures, options,
                  {plan.spec,
                   {plan.rows, plan.columns},
                   plan.seen,
                   is_last ? std::vector<int>{} : plan.layers,
                   plan.enlarged,
                   flags.json},
                  writer);
}

int visualize(const Flags& flags) {
  // What is wrong is told before anything is loaded.
  RunOptions options = run_options(merge_options(flags.merge), flags.keep_ratio);
  const LoadOptions load = load_options(flags.run);
  const Pictures pictures = find_pictures(flags.pictures);
  const DrawingOutput output = drawing_output(flags.output, flags.animate, pictures.paths);
  const Model model = open_model(flags.model, load, options);
  const Drawing plan = drawing_of(flags, model, output.animated());
  check_size(plan, output, pictures.paths.size());
  if (flags.pca) return visualize_pca(flags, model, pictures, options, plan, output);
  choose_r(flags, model, plan, options);
  DrawingWriter writer(output);
  std::vector<Drawn> all;
  const int status = draw(model, pictures, options, plan, writer, all);
  const auto unmerged = [&](const Drawn& drawn) {
    return drawn.groups.back() == plan.rows * plan.columns;
  };
  if (!plan.is_routed() && std::all_of(all.begin(), all.end(), unmerged)) {
    note("nothing merged; --r N merges N tokens in each layer");
  }
  for (const Drawn& drawn : all) print_drawn(drawn, plan, flags.json);
  return status;
}

}  // namespace

void add_visualize(Command& program, int& status) {
  Command* command =
      program.add_subcommand("visualize", "Draw which patches of pictures merge or are routed");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_picture_flags(*command, flags->pictures, "IMAGE");
  command
      ->add_option("-o,--output", flags->output,
                   "File to write: .png, the picture and beside it each group of\n"
                   "merged patches in its mean colour, a row for each picture; or\n"
                   ".gif or .apng, an animation, pictures side by side; or a folder\n"
                   "(OUT/ makes one), with a .png for each picture. Of a\n"
                   "big.LITTLE model: the patches that took the big path, the\n"
                   "others dark, and last how often, from violet (never) over\n"
                   "red to yellow (in every routed layer)")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--layers", flags->layers,
                   "Draw after each of these layers: 3,6,9,12 (default: after the\n"
                   "last one; animations: after every one). Of a big.LITTLE\n"
                   "model: in these layers (default: where a new choice begins;\n"
                   "animations: in every routed one)")
      ->type_name("N,...");
  command->add_flag("--animate", flags->animate,
                    "Animate layer by layer: a .png becomes an animated one (APNG),\n"
                    "a folder gets a .gif for each picture");
  command->add_flag("--json", flags->json,
                    "Print one JSON object a picture: file, output, patches, layers,\n"
                    "groups (of merged patches, after each of the layers); of a\n"
                    "big.LITTLE model also big (patches on the big path in each)");
  command->add_flag("--pca", flags->pca,
                    "Draw features instead: the first three principal components of\n"
                    "those of all patches of all pictures as red, green and blue,\n"
                    "each from its 2nd to its 98th percentile (features behind the\n"
                    "last norm, or with --layers what leaves these; merges nothing\n"
                    "unless told to; with --json variance: the share of each)");
  add_keep_ratio(*command, flags->keep_ratio);
  add_size(*command, flags->size);
  add_run_flags(*command, flags->run);
  command
      ->add_option_function(
          "--r", [flags](const std::string& text) { flags->merge.typed["r"] = text; },
          "Tokens to merge away in each layer: 13; a share of those that\n"
          "come into it, up to 50%: 8%; or a list with one of these for\n"
          "every layer: 8,0,5 (default: so many that about a quarter of\n"
          "the patches is left; none of a big.LITTLE model)")
      ->type_name("N")
      ->group("Token merging");
  add_merge_flags(*command, flags->merge, {.r = true});
  command->footer(
      "Example: how the groups of a photograph grow from layer to layer:\n"
      "  fovea visualize dinov2_small/ cat.jpg -o cat.png --layers 3,6,9,12\n"
      "  fovea visualize dinov2_small/ cat.jpg -o cat.gif\n"
      "and what its features see as alike:\n"
      "  fovea visualize dinov2_small/ cat.jpg dog.jpg -o both.png --pca --size 448");
  command->callback([flags, &status] { status = visualize(*flags); });
}

}  // namespace fovea::cli
