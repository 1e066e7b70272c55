// What configs say of how sound becomes a model's input.
#include "fovea/model/preprocessing.h"

namespace fovea {

bool is_of_sound(const ConfigKeys& keys, const Config& config) {
  const std::optional<std::string> type = keys.text("feature_extractor_type");
  return type ? *type == "ASTFeatureExtractor"
              : config.model_type == "audio-spectrogram-transformer";
}

void read_sound_preprocessing(const ConfigKeys& keys, Config& config) {
  constexpr int kLowestRate = 1000;
  constexpr int kHighestRate = 192'000;
  constexpr int kMostFilters = 1024;
  constexpr int kMostFrames = 1 << 16;
  SoundPreprocessing& sound = config.sound;
  sound.assumed = false;
  sound.rate = keys.whole("sampling_rate", kLowestRate, kHighestRate).value_or(sound.rate);
  sound.filters = keys.whole("num_mel_bins", 1, kMostFilters).value_or(sound.filters);
  sound.frames = keys.whole("max_length", 1, kMostFrames).value_or(sound.frames);
  sound.mean = static_cast<float>(keys.number("mean", -1e6, 1e6).value_or(sound.mean));
  sound.std = static_cast<float>(keys.number("std", 1e-6, 1e6).value_or(sound.std));
  if (!keys.flag("do_normalize", true)) {
    sound.mean = 0;
    sound.std = 0.5F;  // values are divided by twice that
  }
}

}  // namespace fovea
