// For what size of videos and spectrograms a model is made: what its config says, else what the
// number of stored positions tells.
#include <algorithm>
#include <cmath>
#include <vector>

#include "fovea/io/fail.h"
#include "fovea/model/infer.h"

namespace fovea {
namespace {

// Of MAE-ST's and VideoMAE's published models.
constexpr int kUsualFrames = 16;
constexpr int kUsualSide = 224;
// Of AST's and AudioMAE's.
constexpr int kUsualSoundFrames = 1024;
constexpr int kUsualMelBins = 128;
constexpr int kUsualStride = 10;  // of patches that overlap

[[noreturn]] void fail_untold(const Checkpoint& checkpoint, const Architecture& a,
                              const char* expected) {
  fail("{}: positions of {} rows, whose grid can't be told; config.json should give {}",
       checkpoint.file_name(), a.position_rows, expected);
}

int patches_stored(const Architecture& a) { return a.position_rows - a.prefix(); }

int frames_of(const Checkpoint& checkpoint, const Config& config, const Architecture& a) {
  const int tube = a.patch.frames;
  if (!config.frames) {
    return a.split_positions ? tube * token_rows(checkpoint, "pos_embed_temporal")
                             : std::max(1, kUsualFrames / tube) * tube;
  }
  if (*config.frames % tube != 0) {
    fail("{}: config.json says {} frames; expected a multiple of the tube's {}",
         checkpoint.file_name(), *config.frames, tube);
  }
  return *config.frames;
}

// A frame's, where the config says none.
Grid frame_told(const Checkpoint& checkpoint, const Architecture& a, int frames) {
  if (a.position_rows == 0) return {kUsualSide, kUsualSide};
  const int rows = a.split_positions ? token_rows(checkpoint, "pos_embed_spatial")
                                     : patches_stored(a) / (frames / a.patch.frames);
  const int side = static_cast<int>(std::lround(std::sqrt(rows)));
  if (side < 1 || side * side != rows) fail_untold(checkpoint, a, "num_frames and img_size");
  return {side * a.patch.rows, side * a.patch.columns};
}

void infer_video(const Checkpoint& checkpoint, const Config& config, Architecture& a) {
  const int frames = frames_of(checkpoint, config, a);
  const Grid frame = config.image_size ? *config.image_size : frame_told(checkpoint, a, frames);
  a.image_size = {frames, frame.rows, frame.columns};
  if (!a.input_size.empty()) a.input_size.frames = frames;
}

// The size of spectrograms, of the usual mel bins, that as many patches are cut of as positions are
// stored; empty: there is none.
Grid sound_told(const Architecture& a) {
  const auto fits = [&](const Grid& size) {
    return a.patches_of(size).size() == patches_stored(a);
  };
  if (fits({kUsualSoundFrames, kUsualMelBins})) return {kUsualSoundFrames, kUsualMelBins};
  const Grid shortest(a.frequency_first ? a.patch.columns : a.patch.rows, kUsualMelBins);
  const int step = a.frequency_first ? a.step().columns : a.step().rows;
  const int64_t each = a.patches_of(shortest).size();  // patches of one time
  if (each == 0 || patches_stored(a) < each || patches_stored(a) % each != 0) return {};
  const auto times = static_cast<int>(patches_stored(a) / each);
  return {shortest.rows + (times - 1) * step, kUsualMelBins};
}

void infer_sound(const Checkpoint& checkpoint, const Config& config, const Traits& traits,
                 Architecture& a) {
  const auto set_stride = [&](const Grid& stride) {
    a.stride = stride == a.patch ? Grid() : stride;
  };
  std::vector<Grid> strides = {config.stride.value_or(traits.stride)};
  if (!config.stride) strides.emplace_back(kUsualStride, kUsualStride);
  for (const Grid& stride : strides) {
    set_stride(stride);
    a.image_size = config.image_size.value_or(sound_told(a));
    if (!a.image_size.empty() && a.patches_of(a.image_size).size() == patches_stored(a)) return;
  }
  if (a.image_size.empty()) fail_untold(checkpoint, a, "img_size and stride");
  set_stride(strides.front());  // what contradicts each other is told of this one
}

}  // namespace

void infer_medium(const Checkpoint& checkpoint, const Config& config, const Traits& traits,
                  Architecture& a) {
  if (a.medium == Medium::video) infer_video(checkpoint, config, a);
  if (a.medium == Medium::sound) infer_sound(checkpoint, config, traits, a);
}

}  // namespace fovea
