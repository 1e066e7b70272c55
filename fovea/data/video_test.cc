// Clips of video files against what FFmpeg's libraries made of them for the goldens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/data/media_testing.h"
#include "fovea/data/preprocess.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Image> middle_clip(const std::string& name, int length, int stride) {
  const std::unique_ptr<FrameSource> video = open_video(media(name));
  return frames_at(*video, clip_places(video->count(), length, stride));
}

TEST(Video, ClipsAreThoseOfTheGoldens) {
  FOVEA_SKIP_WHERE(missing_for_video());
  for (const std::string name : {"shapes.mp4", "rotated.mp4", "variable.webm", "short.mp4"}) {
    SCOPED_TRACE(name);
    const std::vector<uint8_t> clip = bytes_of(middle_clip(name, 16, 2));
    const std::string golden = name.substr(0, name.find('.')) + "-clip.npy";
    EXPECT_LE(largest_difference(clip, bytes_of_npy(media(golden), clip.size())), 1);
  }
}

TEST(Video, FramesArePreprocessedAsPictures) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const Preprocessing spec{.height = 64,
                           .width = 64,
                           .mean = {0.5F, 0.5F, 0.5F},
                           .std = {0.5F, 0.5F, 0.5F},
                           .interpolation = Interpolation::bilinear,
                           .crop_pct = 1,
                           .fit = Fit::short_side};
  const std::unique_ptr<FrameSource> video = open_video(media("shapes.mp4"));
  const Array clip = preprocess_clip(*video, clip_places(video->count(), 4, 2), spec);
  const std::vector<float>& input = clip.data;
  const Array golden = read_npy(media("shapes-input-4x64.npy"));
  ASSERT_EQ(input.size(), golden.data.size());
  float largest = 0;
  for (size_t i = 0; i < input.size(); ++i) {
    largest = std::max(largest, std::abs(input[i] - golden.data[i]));
  }
  EXPECT_LE(largest, 2.0F / 255 / 0.5F + 1e-6F);
}

}  // namespace
}  // namespace fovea
