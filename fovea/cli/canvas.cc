#include "fovea/cli/canvas.h"

#include <algorithm>
#include <numeric>

#include "fovea/cli/drawings.h"
#include "fovea/data/clip.h"
#include "fovea/data/log_mel.h"
#include "fovea/data/preprocess.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

Canvas read_clip(const fs::path& file, const ReadOptions& read, const InputSpec& spec,
                 const Architecture& architecture, int enlarged) {
  const std::unique_ptr<FrameSource> source = open_clip(file, read);
  const std::vector<int64_t> places = clip_places(source->count(), spec.frames, spec.stride);
  const Grid patches = architecture.patches_of(spec.size());
  const Grid seen = patches * architecture.patch;
  Canvas canvas;
  Shape shape = spec.shape();
  shape.insert(shape.begin(), 1);
  canvas.input = Array(shape);
  std::vector<float> values(size_t{3} * spec.pictures.height * spec.pictures.width);
  source->read(places, [&](size_t index, const Image& frame) {
    preprocess(frame, spec.pictures, values, source->name());
    put_frame(values, static_cast<int64_t>(index), spec.frames, canvas.input.data);
    if (index >= static_cast<size_t>(seen.frames)) return;  // which no tube fills
    const Image whole = resize_and_crop(frame, spec.pictures, source->name(), enlarged);
    canvas.pictures.push_back(upper_left(whole, seen, enlarged));
    PatchLabels labels{patches.rows, patches.columns, {}};
    labels.of.resize(patches.frame_size());
    const auto tube = static_cast<int64_t>(index) / architecture.patch.frames;
    std::iota(labels.of.begin(), labels.of.end(),
              static_cast<int32_t>(tube * patches.frame_size()));
    canvas.patches.push_back(std::move(labels));
  });
  const double step = source->seconds_of_step() * spec.stride;
  if (step > 0) canvas.seconds = step * seen.frames;
  return canvas;
}

// How patches lie along time, or along frequencies.
struct Axis {
  int patch, step, count;

  // What they reach.
  int extent() const { return (count - 1) * step + patch; }
  // Whose centre is nearest.
  int nearest(int place) const {
    return std::clamp((place - (patch - step) / 2) / step, 0, count - 1);
  }
};

// The patch of every bin of every frame, the highest bin first.
PatchLabels patches_of_levels(const Spectrogram& drawn, const Axis& time, const Axis& frequency,
                              bool frequency_first) {
  PatchLabels labels{drawn.bins, drawn.frames, {}};
  for (int bin = drawn.bins - 1; bin >= 0; --bin) {
    for (int frame = 0; frame < drawn.frames; ++frame) {
      const int column = time.nearest(frame);
      const int row = frequency.nearest(bin);
      labels.of.push_back(frequency_first ? row * time.count + column
                                          : column * frequency.count + row);
    }
  }
  return labels;
}

Canvas read_spectrogram(const fs::path& file, const SoundPreprocessing& spec,
                        const Architecture& architecture, int enlarged) {
  LogMelReader frames(open_sound(file), spec);
  const double seconds_of_step = frames.seconds_of_step();
  const double seconds_of_frame = frames.seconds_of_frame();
  SoundWindow window = *SoundWindows(std::move(frames), spec.frames, spec.frames).next();
  const Grid patches = architecture.patches_of({spec.frames, spec.filters});
  const Grid step = architecture.step();
  const Axis rows{architecture.patch.rows, step.rows, patches.rows};
  const Axis columns{architecture.patch.columns, step.columns, patches.columns};
  const bool turned = architecture.frequency_first;
  const Axis& time = turned ? columns : rows;
  const Axis& frequency = turned ? rows : columns;
  const int shown = std::min(window.frames, time.extent());
  Canvas canvas;
  canvas.spectrogram = spectrogram_of(window.values, spec.filters, shown, frequency.extent());
  canvas.pictures = {draw_spectrogram(*canvas.spectrogram, enlarged)};
  canvas.patches = {patches_of_levels(*canvas.spectrogram, time, frequency, turned)};
  canvas.seconds = (shown - 1) * seconds_of_step + seconds_of_frame;
  normalize_log_mel(spec, window.values);
  canvas.input = Array({1, spec.frames, spec.filters}, std::move(window.values));
  return canvas;
}

}  // namespace

Canvas read_canvas(const fs::path& file, const ReadOptions& read, const InputSpec& spec,
                   const Architecture& architecture, int enlarged) {
  return spec.medium == Medium::sound ? read_spectrogram(file, spec.sound, architecture, enlarged)
                                      : read_clip(file, read, spec, architecture, enlarged);
}

std::vector<Image> draw_tokens(const Canvas& canvas, std::span<const int32_t> tokens) {
  std::vector<PatchLabels> labels = canvas.patches;
  for (PatchLabels& of_picture : labels) {
    for (int32_t& label : of_picture.of) label = tokens[label];
  }
  if (!canvas.spectrogram) return draw_groups(canvas.pictures, labels);
  const GroupColours colours = level_colours(*canvas.spectrogram, labels.front());
  return {draw_groups(canvas.pictures.front(), labels.front(), colours)};
}

}  // namespace fovea::cli
