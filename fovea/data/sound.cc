// Which library reads a sound, and what holds for both.
#include "fovea/data/sound.h"

#include <cmath>

#include "fovea/io/fail.h"
#include "fovea/io/file_kind.h"

namespace fovea {
std::unique_ptr<SoundReader> open_sound(const SharedBytes& bytes) {
  const std::string kind = kind_of_file(*bytes);
  for (const char* of_sndfile :
       {"a WAV sound", "a FLAC sound", "an Ogg sound or video", "an MP3 sound"}) {
    if (kind == of_sndfile) return open_sndfile(bytes);
  }
  if (kind.find("picture") != std::string::npos) {
    fail("{}: is {}; expected sound", bytes->name(), kind);
  }
  return open_ffmpeg_sound(bytes);
}

std::unique_ptr<SoundReader> open_sound(const std::filesystem::path& path) {
  return open_sound(open_bytes(path));
}

void check_sound_rate(int rate, const std::string& name) {
  constexpr int kLowest = 1000;
  constexpr int kHighest = 768'000;
  if (rate < kLowest || rate > kHighest) {
    fail("{}: sound of {} Hz; expected {} to {}", name, rate, kLowest, kHighest);
  }
}

void mix_to_mono(std::span<const float> samples, int channels, int64_t first,
                 const std::string& name, std::span<float> to) {
  constexpr float kLoudest = 1e9F;  // its power still fits a float
  const float* sample = samples.data();
  for (size_t i = 0; i < to.size(); ++i) {
    float sum = 0;
    for (int channel = 0; channel < channels; ++channel, ++sample) {
      if (!(std::abs(*sample) <= kLoudest)) {  // nor is NaN
        fail("{}: sample {} is {}; expected numbers, most of them from -1 to 1", name,
             first + static_cast<int64_t>(i), *sample);
      }
      sum += *sample;
    }
    to[i] = sum / static_cast<float>(channels);
  }
}

}  // namespace fovea
