// Log mel filter banks against torchaudio's.
#include "fovea/data/log_mel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/data/media_testing.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

struct Case {
  const char* file;
  const char* golden;
  float allowed;
  int filters;  // of which it is allowed
};

class LogMelGoldens : public testing::TestWithParam<Case> {};

TEST_P(LogMelGoldens, AreRepeated) {
  FOVEA_SKIP_WHERE(missing_for_other_rates());
  const std::vector<float> found = log_mel_of(open_sound(media(GetParam().file)));
  const Array golden = read_npy(media(GetParam().golden));
  ASSERT_EQ(found.size(), golden.data.size());
  float largest = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    if (static_cast<int>(i % 128) >= GetParam().filters) continue;
    largest = std::max(largest, std::abs(found[i] - golden.data[i]));
  }
  EXPECT_LE(largest, GetParam().allowed);
  RecordProperty("largest", std::to_string(largest));
}

INSTANTIATE_TEST_SUITE_P(
    All, LogMelGoldens,
    testing::Values(Case{"sweep-16k.wav", "sweep-16k-fbank.npy", 0.01F, 128},
                    Case{"bursts-16k-float.wav", "bursts-16k-float-fbank.npy", 0.01F, 128},
                    Case{"tones-8k.wav", "tones-8k-fbank.npy", 0.05F, 92},
                    Case{"stereo-44k.flac", "stereo-44k-fbank.npy", 0.05F, 124}));

// Cut or padded to the model's length, then normalised.
TEST(LogMel, InputsAreThoseOfTheGoldens) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  struct Input {
    const char* file;
    const char* golden;
    int frames;
  };
  for (const Input& input :
       {Input{"sweep-16k.wav", "sweep-16k-normalised-128.npy", 128},
        Input{"bursts-16k-float.wav", "bursts-16k-float-normalised-64.npy", 64}}) {
    const SoundPreprocessing spec{.frames = input.frames};
    const Array found = preprocess_sound(open_sound(media(input.file)), spec);
    const Array golden = read_npy(media(input.golden));
    ASSERT_EQ(found.shape, golden.shape);
    float largest = 0;
    for (size_t i = 0; i < golden.data.size(); ++i) {
      largest = std::max(largest, std::abs(found.data[i] - golden.data[i]));
    }
    EXPECT_LE(largest, 0.002F) << input.file;
  }
}

TEST(LogMel, OfSilenceIsTheFloor) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  const TemporaryFolder folder;
  write_wav(folder / "a.wav", 16'000, 1, std::vector<float>(560, 0.25F));
  const std::vector<float> found = log_mel_of(open_sound(folder / "a.wav"));
  EXPECT_EQ(found.size(), 2 * 128U);
  for (const float value : found) EXPECT_FLOAT_EQ(value, -15.942385F);
}

// Sound from the lower half is heard; filters above it are left with next to nothing.
TEST(LogMel, OfLowRatesHasNoUpperHalf) {
  FOVEA_SKIP_WHERE(missing_for_other_rates());
  const std::vector<float> found = log_mel_of(open_sound(media("tones-8k.wav")));
  for (size_t i = 0; i < found.size(); ++i) {
    if (i % 128 >= 99) {
      EXPECT_LT(found[i], -10) << i;
    }
  }
}

std::vector<SoundWindow> windows_of(const std::filesystem::path& path, int length, int hop) {
  SoundWindows windows(LogMelReader(open_sound(path), {}), length, hop);
  std::vector<SoundWindow> all;
  while (std::optional<SoundWindow> window = windows.next()) all.push_back(std::move(*window));
  return all;
}

// 98 frames.
TEST(SoundWindows, CoverTheSound) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  const std::filesystem::path path = media("sweep-16k.wav");
  const std::vector<float> all = log_mel_of(open_sound(path));
  const std::vector<SoundWindow> windows = windows_of(path, 40, 25);
  ASSERT_EQ(windows.size(), 4U);  // from 0, 25, 50 and 75
  for (size_t i = 0; i < windows.size(); ++i) {
    const SoundWindow& window = windows[i];
    EXPECT_NEAR(window.start, 0.25 * static_cast<double>(i), 1e-9);
    ASSERT_EQ(window.values.size(), 40U * 128);
    const size_t count = i < 3 ? 40 : 23;
    EXPECT_EQ(window.frames, count);
    EXPECT_NEAR(window.end, window.start + 0.01 * static_cast<double>(count - 1) + 0.025, 1e-9);
    const auto begin = all.begin() + static_cast<ptrdiff_t>(25 * i * 128);
    EXPECT_TRUE(
        std::equal(begin, begin + static_cast<ptrdiff_t>(count * 128), window.values.begin()));
    for (size_t k = count * 128; k < window.values.size(); ++k) EXPECT_EQ(window.values[k], 0);
  }
  EXPECT_EQ(windows_of(path, 98, 98).size(), 1U);
  EXPECT_EQ(windows_of(path, 49, 49).size(), 2U);
  EXPECT_EQ(windows_of(path, 48, 48).size(), 3U);
  EXPECT_EQ(windows_of(path, 1000, 1).size(), 1U) << "all frames have been in one";
  const std::vector<SoundWindow> apart = windows_of(path, 10, 45);
  ASSERT_EQ(apart.size(), 3U);
  EXPECT_NEAR(apart[2].start, 0.9, 1e-9);
  EXPECT_EQ(apart[2].values[0], all[90 * 128]);
}

TEST(FilterBank, RefusesWhatItCannotBe) {
  EXPECT_THAT(error_of([] { FilterBank(0, 16'000); }), HasSubstr("0 mel filters"));
  EXPECT_THAT(error_of([] { FilterBank(128, 500); }), HasSubstr("sound of 500 Hz"));
  EXPECT_EQ(FilterBank(128, 16'000).frames_of(399), 0);
  EXPECT_EQ(FilterBank(128, 16'000).frames_of(400), 1);
  EXPECT_EQ(FilterBank(128, 16'000).frames_of(16'000), 98);
}

}  // namespace
}  // namespace fovea
