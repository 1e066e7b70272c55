#include "fovea/cli/visualize_media.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "fovea/cli/canvas.h"
#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"
#include "fovea/cli/pca_features.h"
#include "fovea/cli/progress.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kLongest = 1e6;     // milliseconds; more than an animation can wait
constexpr double kUsualStep = 0.04;  // seconds; of pictures, which tell no times

// A whole multiple, so that patches are whole pixels; frames of a sheet stand side by side.
int enlargement(const InputSpec& spec, bool is_animated) {
  const Grid size = spec.size();
  const bool is_sound = spec.medium == Medium::sound;
  const bool is_long = is_sound && size.rows >= 320;
  const int least = is_long ? 256 : is_sound ? 512 : is_animated ? 384 : 192;
  const int side = is_sound ? size.columns : std::max(size.rows, size.columns);
  return (least + side - 1) / side;
}

// All panels of one file are kept until it is written.
void check_size(const MediaDrawing& plan, const DrawingOutput& output, size_t files) {
  const auto rows = static_cast<int64_t>(1 + plan.layers.size());
  const int64_t pixels = rows * plan.spec.size().size() * plan.enlarged * plan.enlarged;
  const auto drawings = output.is_folder ? 1 : static_cast<int64_t>(files);
  if (pixels <= kMaxPixels / drawings) return;
  fail("{}: {} drawings of {} pixels; expected at most {} megapixels in one file{}",
       output.path.string(), drawings, pixels, kMaxPixels / 1'000'000,
       drawings > 1 ? ": name a folder for a file of each" : "");
}

std::optional<Canvas> read_or_skip(const Pictures& files, size_t i, const MediaDrawing& plan,
                                   const Architecture& architecture, Progress& progress) {
  try {
    return read_canvas(files.paths[i], files.read, plan.spec, architecture, plan.enlarged);
  } catch (const Error& error) {
    if (files.paths.size() + files.skipped == 1) throw;
    progress.clear();
    complain(std::string("skipped: ") + error.what());
    return std::nullopt;
  }
}

// What stands in each frame of a clip, side by side, and how long; rounding never adds up.
std::vector<Frame> animation_of(const std::vector<std::vector<Image>>& rows,
                                std::optional<double> seconds, int stride) {
  const size_t count = rows.front().size();
  const double step =
      1000 * (seconds ? *seconds / static_cast<double>(count) : kUsualStep * stride);
  std::vector<Frame> frames;
  for (size_t i = 0; i < count; ++i) {
    std::vector<Image> panels;
    for (const std::vector<Image>& row : rows) panels.push_back(row[i]);
    const double begin = std::round(step * static_cast<double>(i));
    const double end = std::round(step * static_cast<double>(i + 1));
    frames.push_back({beside(panels, kGap), static_cast<int>(std::min(end - begin, kLongest))});
  }
  return frames;
}

// One picture: each row's from left to right, the rows below each other.
Image sheet_of(const std::vector<std::vector<Image>>& rows) {
  std::vector<Image> lines;
  for (const std::vector<Image>& row : rows) lines.push_back(beside(row, kGap));
  return below(lines, kGap);
}

// rows: what is drawn on, and the tokens after each layer.
fs::path write(const fs::path& file, const std::vector<std::vector<Image>>& rows,
               const Canvas& canvas, const MediaDrawing& plan, DrawingWriter& writer) {
  if (!plan.is_animated) return writer.add(file, std::vector<Image>{sheet_of(rows)});
  if (plan.spec.medium == Medium::video) {
    return writer.add(file, animation_of(rows, canvas.seconds, plan.spec.stride));
  }
  std::vector<Image> panels;
  for (const std::vector<Image>& row : rows) panels.push_back(row.front());
  return writer.add(file, std::move(panels));
}

Drawn draw_one(const fs::path& file, const Canvas& canvas, const Result& result, int prefix,
               const MediaDrawing& plan, DrawingWriter& writer) {
  const int64_t patches = result.trace.shape[2] - prefix;
  Drawn drawn = {file, {}, patches, plan.layers, {}, {}, canvas.seconds};
  std::vector<std::vector<Image>> rows = {canvas.pictures};
  for (const int layer : plan.layers) {
    std::vector<int32_t> tokens = tokens_after(layer, result.trace, 0, prefix);
    rows.push_back(draw_tokens(canvas, tokens));
    drawn.groups.push_back(count_groups({1, static_cast<int>(patches), std::move(tokens)}));
  }
  drawn.file = write(file, rows, canvas, plan, writer);
  return drawn;
}

// The pictures with every patch in the colour of its features. rows: of each patch.
std::vector<Image> draw_features(const Canvas& canvas, const PcaFeatures& features,
                                 std::span<const int32_t> rows) {
  std::vector<Image> drawn;
  for (size_t i = 0; i < canvas.pictures.size(); ++i) {
    PatchLabels labels = canvas.patches[i];
    for (int32_t& label : labels.of) label = rows[label];
    drawn.push_back(draw_components(canvas.pictures[i], labels, features));
  }
  return drawn;
}

// Calls take(index, canvas) of all files that can be read; returns the exit status.
template <class Take>
int for_each_canvas(const Model& model, const Pictures& files, const MediaDrawing& plan,
                    const Take& take) {
  Progress progress(files.paths.size());
  size_t done = 0;
  for (size_t i = 0; i < files.paths.size(); ++i) {
    if (const auto canvas = read_or_skip(files, i, plan, model.architecture(), progress)) {
      take(i, *canvas);
      ++done;
    }
    progress.advance(1);
  }
  progress.clear();
  const size_t count = files.paths.size() + files.skipped;
  if (done == 0) fail("none of {} files could be read", count);
  return done == count ? kDone : kSomeSkipped;
}

}  // namespace

MediaDrawing media_drawing(const InputSpec& spec, std::vector<int> layers,
                           const DrawingOutput& output, size_t files) {
  MediaDrawing plan{spec, std::move(layers), output.animated(),
                    enlargement(spec, output.animated())};
  check_size(plan, output, files);
  return plan;
}

int draw_media(const Model& model, const Pictures& files, RunOptions options,
               const MediaDrawing& plan, DrawingWriter& writer, std::vector<Drawn>& all) {
  const int prefix = model.architecture().prefix();
  options.want_trace = true;
  const int status = for_each_canvas(model, files, plan, [&](size_t i, const Canvas& canvas) {
    const Result result = model.run(canvas.input, options);
    all.push_back(draw_one(files.paths[i], canvas, result, prefix, plan, writer));
  });
  writer.finish();
  return status;
}

int draw_media_pca(const Model& model, const Pictures& files, RunOptions options,
                   const MediaDrawing& plan, DrawingWriter& writer, bool json) {
  const Architecture& architecture = model.architecture();
  const auto patches = static_cast<int>(architecture.patches_of(plan.spec.size()).size());
  std::vector<PcaFeatures> all = empty_features(model, plan.layers, patches, files.paths.size());
  ask_for_features(plan.layers, options);
  Pictures readable = files;
  readable.paths.clear();
  const int status = for_each_canvas(model, files, plan, [&](size_t i, const Canvas& canvas) {
    append(model.run(canvas.input, options), 0, architecture.prefix(), plan.layers, 1, {patches, 1},
           all);
    readable.paths.push_back(files.paths[i]);
  });
  fit(all);
  std::vector<fs::path> drawn(readable.paths.size());
  for_each_canvas(model, readable, plan, [&](size_t i, const Canvas& canvas) {
    std::vector<std::vector<Image>> rows = {canvas.pictures};
    for (const PcaFeatures& features : all) {
      rows.push_back(draw_features(canvas, features, features.rows_of(i, patches)));
    }
    drawn[i] = write(readable.paths[i], rows, canvas, plan, writer);
  });
  writer.finish();
  for (size_t i = 0; i < drawn.size(); ++i) {
    print_components(readable.paths[i], drawn[i], patches, plan.layers, all, json);
  }
  return status;
}

}  // namespace fovea::cli
