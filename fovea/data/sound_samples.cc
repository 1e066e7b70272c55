#include <algorithm>
#include <cmath>
#include <utility>

#include "fovea/data/log_mel.h"
#include "fovea/data/media_samples.h"

namespace fovea {
namespace {

// Log mel frames of a sound from its beginning, at most `most` of them.
std::vector<float> frames_of(const Dataset& data, int64_t i, const SoundPreprocessing& spec,
                             int64_t most) {
  LogMelReader reader(data.open_sound(i), spec);
  std::vector<float> frames;
  std::vector<float> frame(reader.filters());
  for (int64_t n = 0; n < most && reader.next(frame); ++n) {
    frames.insert(frames.end(), frame.begin(), frame.end());
  }
  return frames;
}

class SoundSamples : public Samples {
 public:
  SoundSamples(const Dataset& data, const SoundPreprocessing& spec,
               const SoundAugmentation& augmentation)
      : data_(data), spec_(spec), augmentation_(augmentation), kept_(data.size()) {}

  int64_t size() const override { return data_.size(); }
  const char* what() const override { return "sounds"; }
  Shape shape() const override { return {spec_.frames, spec_.filters}; }
  int classes() const override { return static_cast<int>(data_.classes().size()); }
  int label(int64_t i) const override { return data_.label(i); }
  void make(int64_t i, Random& random, std::span<float> out,
            std::vector<SquareMask>& /*masks*/) override {
    std::vector<float> fresh;
    augment_sound(frames(i, fresh), spec_, augmentation_, random, out);
  }

 private:
  const std::vector<float>& frames(int64_t i, std::vector<float>& fresh) {
    if (kept_.has(i)) return kept_.at(i);
    fresh = frames_of(data_, i, spec_, int64_t{kMostWindows} * spec_.frames);
    return kept_.keep(i, fresh, static_cast<int64_t>(fresh.size() * sizeof(float)));
  }

  const Dataset& data_;
  SoundPreprocessing spec_;
  SoundAugmentation augmentation_;
  Kept<std::vector<float>> kept_;
};

}  // namespace

std::unique_ptr<Samples> sound_samples(const Dataset& data, const SoundPreprocessing& spec,
                                       const SoundAugmentation& augmentation) {
  return std::make_unique<SoundSamples>(data, spec, augmentation);
}

void measure_sounds(const Dataset& data, SoundPreprocessing& spec) {
  constexpr int64_t kMost = 2000;
  const int64_t count = std::min(kMost, data.size());
  double sum = 0;
  double squares = 0;
  double values = 0;
  for (int64_t n = 0; n < count; ++n) {
    const std::vector<float> frames =
        frames_of(data, n * data.size() / count, spec, int64_t{kMostWindows} * spec.frames);
    for (const float value : frames) {
      sum += value;
      squares += double{value} * value;
    }
    const size_t window = size_t{1} * spec.frames * spec.filters;
    values += static_cast<double>((frames.size() + window - 1) / window * window);
  }
  const double mean = sum / values;
  spec.mean = static_cast<float>(mean);
  spec.std = static_cast<float>(std::sqrt(std::max(1e-12, squares / values - mean * mean)));
}

}  // namespace fovea
