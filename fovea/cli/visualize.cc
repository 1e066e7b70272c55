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
#include "fovea/cli/input_flags.h"
#include "fovea/cli/layer_drawings.h"
#include "fovea/cli/options.h"
#include "fovea/cli/pictures.h"
#include "fovea/cli/speedup.h"
#include "fovea/cli/visualize_media.h"
#include "fovea/cli/visualize_pca.h"
#include "fovea/io/fail.h"
#include "fovea/report/groups.h"
#include "fovea/report/routes.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  std::string model, output, layers, keep_ratio;
  bool animate = false;
  bool json = false;
  bool pca = false;
  InputFlags input;
  PictureFlags pictures;
  MergeFlags merge;
  RunFlags run;
};

// What there is to draw of every picture.
struct Drawing {
  Preprocessing spec;        // of the model's input
  std::vector<int> layers;   // after which, or in which a route is drawn, counted from 1
  int rows, columns;         // of patches
  Grid seen;                 // by them, in pixels of the input
  int prefix;                // tokens before those of the patches
  int enlarged;              // panels are so many times larger than the input
  int plain_layers, depth;   // the layers between them are routed, none of a plain ViT
  Grid patch;                // in pixels of a panel
  int window;                // patches along the side of those that some layers have; 0: none has
  std::vector<bool> within;  // of each layer: whether it has windows

  bool is_routed() const { return plain_layers < depth; }
};

// A whole multiple, so that patches are whole pixels: large enough to see on a screen.
int enlargement(const Preprocessing& spec, bool many_panels) {
  const int least = many_panels ? 384 : 640;
  const int side = std::max(spec.height, spec.width);
  return (least + side - 1) / side;
}

Drawing drawing_of(const Flags& flags, const Model& model, bool animated) {
  const Architecture& a = model.architecture();
  Drawing plan;
  plan.spec = input_spec_of(flags.input, flags.model, a, model.config()).pictures;
  const Grid grid = a.patches_of({plan.spec.height, plan.spec.width});
  plan.rows = grid.rows;
  plan.columns = grid.columns;
  plan.seen = grid * a.patch;
  plan.prefix = a.prefix();
  plan.layers = layers_to_draw(flags.layers, a, animated);
  plan.plain_layers = a.plain_layers();
  plan.depth = a.depth;
  plan.enlarged = enlargement(plan.spec, !animated && (plan.layers.size() > 1 || plan.is_routed()));
  plan.patch = {a.patch.rows * plan.enlarged, a.patch.columns * plan.enlarged};
  plan.window = a.window;
  plan.within = a.windowed(grid).within;
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

PatchLabels labels_of(std::vector<int32_t> labels, const Drawing& plan) {
  return {plan.rows, plan.columns, std::move(labels), plan.patch.rows, plan.patch.columns};
}

PatchLabels labels_after(int layer, const IntArray& trace, int64_t image, const Drawing& plan) {
  return labels_of(tokens_after(layer, trace, image, plan.prefix), plan);
}

// The patches that took the big path in layer `layer`, from 1.
PatchLabels route_in(int layer, const Result& result, int64_t image, const Drawing& plan) {
  return labels_of(took_big_path(result.routes, result.trace, image, layer, plan.prefix), plan);
}

// In how many of the routed layers each patch took the big path.
PatchLabels times_on_route(const Result& result, int64_t image, const Drawing& plan) {
  PatchLabels times =
      labels_of(std::vector<int32_t>(static_cast<size_t>(plan.rows) * plan.columns), plan);
  for (int layer = plan.plain_layers + 1; layer <= plan.depth; ++layer) {
    const PatchLabels route = route_in(layer, result, image, plan);
    std::transform(times.of.begin(), times.of.end(), route.of.begin(), times.of.begin(),
                   std::plus<>());
  }
  return times;
}

// The picture as it comes into layer `layer`: its merged patches, where some are.
Image before(int layer, const Image& picture, const Result& result, int64_t image,
             const Drawing& plan) {
  if (layer == 1) return picture;
  const PatchLabels groups = labels_after(layer - 1, result.trace, image, plan);
  return count_groups(groups) < plan.rows * plan.columns ? draw_groups(picture, groups) : picture;
}

// With the lines between the windows that a layer has.
Image with_windows(Image panel, int layer, const Drawing& plan) {
  if (!plan.within[layer - 1]) return panel;
  return draw_windows(panel, plan.window * plan.patch.rows, plan.window * plan.patch.columns);
}

// What is drawn of image `image` of a run, and beside it the picture.
std::vector<Image> panels_of(const Image& picture, const Result& result, int64_t image,
                             const Drawing& plan, Drawn& drawn) {
  std::vector<Image> panels = {picture};
  for (const int layer : plan.layers) {
    const PatchLabels groups = labels_after(layer, result.trace, image, plan);
    drawn.groups.push_back(count_groups(groups));
    if (!plan.is_routed()) {
      panels.push_back(with_windows(draw_groups(picture, groups), layer, plan));
      continue;
    }
    const PatchLabels route = route_in(layer, result, image, plan);
    const Image drawn_route = draw_route(before(layer, picture, result, image, plan), route);
    panels.push_back(with_windows(drawn_route, layer, plan));
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
    Drawn drawn = {picture, {}, int64_t{plan.rows} * plan.columns, plan.layers, {}};
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

// Draws what merged, and says it; returns the exit status of the run.
int visualize_pictures(const Flags& flags, const Model& model, const Pictures& pictures,
                       RunOptions options, const DrawingOutput& output, std::vector<Drawn>& all) {
  const Drawing plan = drawing_of(flags, model, output.animated());
  check_size(plan, output, pictures.paths.size());
  if (flags.pca) return visualize_pca(flags, model, pictures, options, plan, output);
  choose_r(flags.merge, flags.model, model.architecture(), {plan.spec.height, plan.spec.width},
           options);
  DrawingWriter writer(output);
  return draw(model, pictures, options, plan, writer, all);
}

int visualize_media(const Flags& flags, const Model& model, const Pictures& files,
                    RunOptions options, const DrawingOutput& output, std::vector<Drawn>& all) {
  const Architecture& a = model.architecture();
  const InputSpec spec = input_spec_of(flags.input, flags.model, a, model.config());
  // Time is what an animation of a video shows.
  const bool want_all = output.animated() && spec.medium == Medium::sound;
  const bool is_last = flags.pca && flags.layers.empty() && !want_all;
  const std::vector<int> layers =
      is_last ? std::vector<int>{} : layers_to_draw(flags.layers, a, want_all);
  const MediaDrawing plan = media_drawing(spec, layers, output, files.paths.size());
  DrawingWriter writer(output);
  if (flags.pca) {
    resolve_speedup(flags.merge, flags.model, a, spec.size(), options);
    return draw_media_pca(model, files, options, plan, writer, flags.json);
  }
  choose_r(flags.merge, flags.model, a, spec.size(), options);
  return draw_media(model, files, options, plan, writer, all);
}

int visualize(const Flags& flags) {
  // What is wrong is told before anything is loaded.
  const RunOptions options = run_options(merge_options(flags.merge), flags.keep_ratio);
  const LoadOptions load = load_options(flags.run);
  const Medium medium = medium_of(flags.model, load);
  const bool is_picture = medium == Medium::picture;
  const Pictures files = find_pictures(flags.pictures, Processes::alone(), medium);
  const DrawingOutput output = drawing_output(flags.output, flags.animate, files.paths);
  const Model model = open_model(flags.model, load, options);
  std::vector<Drawn> all;
  const int status = is_picture ? visualize_pictures(flags, model, files, options, output, all)
                                : visualize_media(flags, model, files, options, output, all);
  note_unmerged(all);
  for (const Drawn& drawn : all) print_drawn(drawn, flags.json);
  return status;
}

}  // namespace

void add_visualize(Command& program, int& status) {
  Command* command =
      program.add_subcommand("visualize", "Draw which patches of pictures, videos or sound merge");
  auto flags = std::make_shared<Flags>();
  add_model(*command, flags->model);
  add_picture_flags(*command, flags->pictures, "FILES");
  command
      ->add_option("-o,--output", flags->output,
                   "File to write: .png, the picture and beside it each group of\n"
                   "merged patches in its mean colour, a row for each picture; or\n"
                   ".gif or .apng, an animation, pictures side by side; or a folder\n"
                   "(OUT/ makes one), with a .png for each picture. Of a\n"
                   "big.LITTLE model: the patches that took the big path, the\n"
                   "others dark, and last how often, from violet (never) over\n"
                   "red to yellow (in every routed layer). Of Segment Anything's\n"
                   "encoder: lines between windows in layers that have them,\n"
                   "and no padding. Of videos: the frames of the clip in the\n"
                   "middle, and below them (.png), or beside them at the video's\n"
                   "pace, the groups, each in one colour in all frames. Of sound:\n"
                   "the spectrogram of its beginning, without padding: the loudest\n"
                   "yellow, 80 dB less violet, low frequencies below; and below\n"
                   "it the groups, each in the colour of its mean level; patches\n"
                   "that overlap on cells as large as their stride")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--layers", flags->layers,
                   "Draw after each of these layers: 3,6,9,12 (default: after the\n"
                   "last one; animations, but those of videos: after every one).\n"
                   "Of a big.LITTLE model: in these layers (default: where a new\n"
                   "choice begins; animations: in every routed one)")
      ->type_name("N,...");
  command->add_flag("--animate", flags->animate,
                    "Animate layer by layer, videos frame by frame: a .png becomes an\n"
                    "animated one (APNG), a folder gets a .gif for each picture");
  command->add_flag("--json", flags->json,
                    "Print one JSON object a picture: file, output, patches, layers,\n"
                    "groups (of merged patches, after each of the layers); of a\n"
                    "big.LITTLE model also big (patches on the big path in each); of\n"
                    "videos and sound seconds, that are shown");
  command->add_flag("--pca", flags->pca,
                    "Draw features instead: the first three principal components of\n"
                    "those of all patches of all pictures as red, green and blue,\n"
                    "each from its 2nd to its 98th percentile (features behind the\n"
                    "last norm, or with --layers what leaves these; merges nothing\n"
                    "unless told to; with --json variance: the share of each)");
  add_keep_ratio(*command, flags->keep_ratio);
  add_size(*command, flags->input.size);
  add_stride(*command, flags->input);
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
      "  fovea visualize dinov2_small/ cat.jpg dog.jpg -o both.png --pca --size 448\n"
      "or what of a video stays the same:\n"
      "  fovea visualize videomae_base/ dog.mp4 -o dog.gif");
  command->callback([flags, &status] { status = visualize(*flags); });
}

}  // namespace fovea::cli
