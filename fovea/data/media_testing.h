// Helpers for the tests of video and sound.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "fovea/data/clip.h"
#include "fovea/data/frames.h"
#include "fovea/data/log_mel.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "fovea/io/testing.h"
#include "tests/paths.h"

namespace fovea {

inline std::filesystem::path media(const std::string& name) {
  return test_data() / "goldens-media" / name;
}

// Why a test can't run here, where a library is missing; else empty.
template <class Open>
std::string missing_library(const Open& open) {
  try {
    open();
  } catch (const MissingLibrary& missing) {
    return "skipped: " + missing.reason();
  }
  return "";
}
inline std::string missing_for_video() {
  return missing_library([] { open_video(media("short.mp4")); });
}
inline std::string missing_for_sound() {
  return missing_library([] { open_sound(media("sweep-16k.wav")); });
}
inline std::string missing_for_other_rates() {
  return missing_library([] { LogMelReader(open_sound(media("tones-8k.wav")), {}); });
}
#define FOVEA_SKIP_WHERE(missing) \
  if (const std::string reason = missing; !reason.empty()) GTEST_SKIP() << reason

// What stands at some places.
inline std::vector<Image> frames_at(FrameSource& source, const std::vector<int64_t>& places) {
  std::vector<Image> frames(places.size());
  source.read(places, [&](size_t index, const Image& frame) { frames[index] = frame; });
  return frames;
}

// Bytes of frames one behind the other, and those that end an npy file of bytes.
inline std::vector<uint8_t> bytes_of(const std::vector<Image>& frames) {
  std::vector<uint8_t> bytes;
  for (const Image& frame : frames) bytes.insert(bytes.end(), frame.rgb.begin(), frame.rgb.end());
  return bytes;
}
inline std::vector<uint8_t> bytes_of_npy(const std::filesystem::path& path, size_t count) {
  const std::string text = read_text(path);
  EXPECT_LT(count, text.size());
  return {text.end() - static_cast<ptrdiff_t>(count), text.end()};
}

template <class Number>
double largest_difference(const std::vector<Number>& a, const std::vector<Number>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return largest;
}

// Calls take(bytes) with copies of a file in which some bytes are others, or which end early; the
// same ones each time.
template <class Take>
void for_broken(const std::string& file, int count, const Take& take) {
  std::mt19937 random(1);
  for (int i = 0; i < count; ++i) {
    std::string broken = file;
    const int changes = 1 << random() % 8;
    for (int k = 0; k < changes; ++k) {
      // The beginning and the end tell what the rest is.
      const size_t reach =
          random() % 2 == 0 ? broken.size() : std::min<size_t>(1000, broken.size());
      const size_t at = random() % reach;
      broken[random() % 4 == 0 ? broken.size() - 1 - at : at] = static_cast<char>(random());
    }
    if (random() % 4 == 0) broken.resize(1 + random() % broken.size());
    take(std::as_bytes(std::span(broken)));
  }
}

// A WAV file of floats, the channels interleaved.
inline void write_wav(const std::filesystem::path& path, int rate, int channels,
                      const std::vector<float>& samples) {
  std::string wav;
  const auto add = [&](auto number) {
    wav.append(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  const auto bytes = static_cast<uint32_t>(samples.size() * sizeof(float));
  wav += "RIFF";
  add(bytes + 36);
  wav += "WAVEfmt ";
  add(uint32_t{16});
  add(uint16_t{3});  // floats
  add(static_cast<uint16_t>(channels));
  add(static_cast<uint32_t>(rate));
  add(static_cast<uint32_t>(rate * channels * 4));
  add(static_cast<uint16_t>(channels * 4));
  add(uint16_t{32});
  wav += "data";
  add(bytes);
  wav.append(reinterpret_cast<const char*>(samples.data()), bytes);
  write_file(path, wav);
}

// All frames of a sound.
inline std::vector<float> log_mel_of(std::unique_ptr<SoundReader> sound,
                                     const SoundPreprocessing& spec = {}) {
  LogMelReader reader(std::move(sound), spec);
  std::vector<float> all;
  std::vector<float> frame(reader.filters());
  while (reader.next(frame)) all.insert(all.end(), frame.begin(), frame.end());
  return all;
}

}  // namespace fovea
