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

}  // namespace
}  // namespace fovea
