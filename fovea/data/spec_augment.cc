#include "fovea/data/spec_augment.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fovea/data/log_mel.h"

namespace fovea {
namespace {

// What filters hold where they hear nothing.
const float kFloor = std::log(1.1920929e-07F);

// `decibels` louder, as log mel holds power.
void amplify(std::span<float> values, double decibels) {
  const auto louder = static_cast<float>(decibels * std::numbers::ln10 / 10);
  for (float& value : values) value = std::max(kFloor, value + louder);
}

void mask(std::span<float> values, int64_t columns, const SoundAugmentation& augmentation,
          Random& random) {
  const auto rows = static_cast<int64_t>(values.size()) / columns;
  const MaskBand times = draw_mask(rows, augmentation.time_mask, random);
  const MaskBand mels = draw_mask(columns, augmentation.freq_mask, random);
  std::fill(values.begin() + times.begin * columns, values.begin() + times.end * columns, 0.0F);
  for (int64_t row = 0; row < rows; ++row) {
    std::fill(values.begin() + row * columns + mels.begin,
              values.begin() + row * columns + mels.end, 0.0F);
  }
}

}  // namespace

MaskBand draw_mask(int64_t count, int64_t most, Random& random) {
  const int64_t width = std::min(count, random.below(most + 1));
  const int64_t begin = random.below(count - width + 1);
  return {begin, begin + width};
}

void roll_rows(std::span<float> values, int64_t columns, int64_t by) {
  const auto rows = static_cast<int64_t>(values.size()) / columns;
  const int64_t down = ((by % rows) + rows) % rows;
  std::rotate(values.begin(), values.end() - down * columns, values.end());
}

void augment_sound(std::span<const float> frames, const SoundPreprocessing& spec,
                   const SoundAugmentation& augmentation, Random& random, std::span<float> out) {
  const int64_t columns = spec.filters;
  const auto count = static_cast<int64_t>(frames.size()) / columns;
  const int64_t taken = std::min<int64_t>(count, spec.frames);
  const int64_t first = random.below(count - taken + 1);
  const std::span<float> heard = out.first(taken * columns);
  std::copy_n(frames.begin() + first * columns, taken * columns, out.begin());
  std::fill(out.begin() + taken * columns, out.end(), 0.0F);
  amplify(heard, random.uniform(-augmentation.gain, augmentation.gain));
  normalize_log_mel(spec, out);
  roll_rows(out, columns, random.below(2 * int64_t{augmentation.shift} + 1) - augmentation.shift);
  mask(out, columns, augmentation, random);
}

}  // namespace fovea
