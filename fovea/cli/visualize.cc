// fovea visualize: pictures in, drawings of which of their patches merged out.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/drawings.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/data/preprocess.h"
#include "fovea/report/groups.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  std::string model, output, layers, size;
  bool animate = false;
  bool json = false;
  PictureFlags pictures;
  MergeFlags merge;
  RunFlags run;
};

// What there is to draw of every picture.
struct Drawing {
  Preprocessing spec;       // of the model's input
  std::vector<int> layers;  // after which, counted from 1
  int rows, columns;        // of patches
  int prefix;               // tokens before those of the patches
  int enlarged;             // panels are so many times larger than the input
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

Drawing drawing_of(const Flags& flags, const Model& model, bool animated) {
  const Architecture& a = model.architecture();
  Drawing plan;
  plan.spec = preprocessing_of(flags.size, model);
  plan.rows = plan.spec.height / a.patch[0];
  plan.columns = plan.spec.width / a.patch[1];
  plan.prefix = a.prefix();
  std::vector<int> all(a.depth);
  std::iota(all.begin(), all.end(), 1);
  plan.layers = chosen_layers(flags.layers, a.depth, animated ? all : std::vector{a.depth});
  plan.enlarged = enlargement(plan.spec, !animated && plan.layers.size() > 1);
  return plan;
}

// All panels of one file are kept until it is written.
void check_size(const Drawing& plan, const DrawingOutput& output, size_t pictures) {
  const int64_t panel = int64_t{plan.spec.height} * plan.spec.width * plan.enlarged * plan.enlarged;
  const auto panels = static_cast<int64_t>(plan.layers.size() + 1);
  const auto drawings = output.is_folder ? 1 : static_cast<int64_t>(pictures);
  if (panel * panels <= kMaxPixels / drawings) return;
  fail("{}: {} drawings of {} panels of {} pixels; expected at most {} megapixels in one file{}",
       output.path.string(), drawings, panels, panel, kMaxPixels / 1'000'000,
       drawings > 1 ? ": name a folder for a file of each" : "");
}

// Where nothing was said of how many, so many that a quarter of the patches is left.
void choose_r(MergeFlags& flags, const Drawing& plan, int depth) {
  const MergeTexts texts = layered(flags);
  const auto matching = texts.find("matching");
  const bool by_k = matching != texts.end() && matching->second == "kth";
  if (by_k || texts.contains("r") || texts.contains("threshold")) return;
  const int r = std::max(1, plan.rows * plan.columns * 3 / 4 / depth);
  flags.typed["r"] = std::to_string(r);
  note(fmt::format("--r {}, as none is given: about a quarter of the patches is left", r));
}

// The token that each patch is part of after layer `layer`, from 1.
PatchLabels labels_after(int layer, const IntArray& trace, int64_t image, const Drawing& plan) {
  const int64_t positions = trace.shape[2];
  const auto first = trace.data.begin() + (image * trace.shape[1] + layer - 1) * positions;
  return {plan.rows, plan.columns, {first + plan.prefix, first + positions}};
}

// What was drawn of a picture, for the user to read.
struct Drawn {
  fs::path picture, file;
  std::vector<int> groups;  // for each layer of the plan
};

void print_drawn(const Drawn& drawn, const Drawing& plan, bool json) {
  const int patches = plan.rows * plan.columns;
  if (json) {
    print_json_line({{"file", drawn.picture.string()},
                     {"output", drawn.file.string()},
                     {"patches", patches},
                     {"layers", plan.layers},
                     {"groups", drawn.groups}});
    return;
  }
  print(fmt::format("{}: {} patches, {} groups after layer {}: {}\n", drawn.picture.string(),
                    patches, fmt::join(drawn.groups, " "), fmt::join(plan.layers, " "),
                    drawn.file.string()));
}

// Draws all pictures; returns the exit status of the run.
int draw(const Model& model, const Pictures& pictures, const MergeOptions& merge,
         const Drawing& plan, DrawingWriter& writer, std::vector<Drawn>& all) {
  const auto take = [&](const fs::path& picture, int64_t image, const Result& result) {
    std::vector<Image> panels = {
        resize_and_crop(read_image(picture), plan.spec, picture.string(), plan.enlarged)};
    Drawn drawn = {picture, {}, {}};
    for (const int layer : plan.layers) {
      const PatchLabels labels = labels_after(layer, result.trace, image, plan);
      panels.push_back(draw_groups(panels.front(), labels));
      drawn.groups.push_back(count_groups(labels));
    }
    drawn.file = writer.add(picture, std::move(panels));
    all.push_back(std::move(drawn));
  };
  const RunOptions options = {.merge = merge, .want_tokens = false, .want_trace = true};
  const int status = run_pictures(model, pictures, plan.spec, options, take);
  writer.finish();
  return status;
}

int visualize(Flags& flags) {
  merge_options(flags.merge);  // what is wrong is told before anything is loaded
  const LoadOptions load = load_options(flags.run);
  const Pictures pictures = find_pictures(flags.pictures);
  const DrawingOutput output = drawing_output(flags.output, flags.animate, pictures.paths);
  const Model model = open_model(flags.model, load, {.merge = merge_options(flags.merge)});
  const Drawing plan = drawing_of(flags, model, output.animated());
  check_size(plan, output, pictures.paths.size());
  choose_r(flags.merge, plan, model.architecture().depth);
  DrawingWriter writer(output);
  std::vector<Drawn> all;
  const int status = draw(model, pictures, merge_options(flags.merge), plan, writer, all);
  const auto unmerged = [&](const Drawn& drawn) {
    return drawn.groups.back() == plan.rows * plan.columns;
  };
  if (std::all_of(all.begin(), all.end(), unmerged)) {
    note("nothing merged; --r N merges N tokens in each layer");
  }
  for (const Drawn& drawn : all) print_drawn(drawn, plan, flags.json);
  return status;
}

}  // namespace

void add_visualize(CLI::App& program, int& status) {
  CLI::App* command = program.add_subcommand("visualize", "Draw which patches of pictures merge");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_picture_flags(*command, flags->pictures, "IMAGE");
  command
      ->add_option("-o,--output", flags->output,
                   "File to write: .png, the picture and beside it each group of\n"
                   "merged patches in its mean colour, a row for each picture; or\n"
                   ".gif or .apng, an animation, pictures side by side; or a folder\n"
                   "(OUT/ makes one), with a .png for each picture")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--layers", flags->layers,
                   "Draw after each of these layers: 3,6,9,12 (default: after the\n"
                   "last one; animations: after every one)")
      ->type_name("N,...");
  command->add_flag("--animate", flags->animate,
                    "Animate layer by layer: a .png becomes an animated one (APNG),\n"
                    "a folder gets a .gif for each picture");
  command->add_flag("--json", flags->json,
                    "Print one JSON object a picture: file, output, patches, layers,\n"
                    "groups (of merged patches, after each of the layers)");
  add_size(*command, flags->size);
  add_run_flags(*command, flags->run);
  command
      ->add_option_function<std::string>(
          "--r", [flags](const std::string& text) { flags->merge.typed["r"] = text; },
          "Tokens to merge away in each layer: 13; or a list with a\n"
          "number for every layer: 8,0,5 (default: so many that about a\n"
          "quarter of the patches is left)")
      ->type_name("N")
      ->group("Token merging");
  add_merge_flags(*command, flags->merge, false);
  command->footer(
      "Example: how the groups of a photograph grow from layer to layer:\n"
      "  fovea visualize dinov2_small/ cat.jpg -o cat.png --layers 3,6,9,12\n"
      "  fovea visualize dinov2_small/ cat.jpg -o cat.gif");
  command->callback([flags, &status] { status = visualize(*flags); });
}

}  // namespace fovea::cli
