// Videos as people have them, made by ffmpeg, against the frames that ffmpeg decodes.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "fovea/data/media_testing.h"
#include "fovea/io/testing.h"
#include "tests/made_media.h"

namespace fovea {
namespace {

constexpr const char* kSource = "-f lavfi -i testsrc2=size=96x72:duration=2:rate=25 ";
constexpr const char* kOddSource = "-f lavfi -i testsrc2=size=97x71:duration=2:rate=25 ";
constexpr const char* kSound = "-f lavfi -i sine=440:duration=2:sample_rate=44100 ";

struct Made {
  std::string name;
  std::string source;
  std::string coding;
};

std::vector<Made> all_made() {
  return {
      {"h264.mp4", kSource, "-c:v libx264"},
      {"open-groups.mp4", kSource, "-c:v libx264 -x264opts keyint=10:open_gop=1:bframes=5"},
      {"h265.mp4", kSource, "-c:v libx265 -x265-params log-level=none:keyint=10"},
      {"ten-bits.mp4", kSource, "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le"},
      {"av1.mp4", kSource, "-c:v libaom-av1 -cpu-used 8"},
      {"vp8.webm", kSource, "-c:v libvpx"},
      {"vp9.webm", kSource, "-c:v libvpx-vp9 -lag-in-frames 25 -auto-alt-ref 1"},
      {"odd.webm", kOddSource, "-c:v libvpx-vp9"},
      {"odd-444.mp4", kOddSource, "-c:v libx264 -pix_fmt yuv444p"},
      {"bt709.mp4", kSource, "-c:v libx264 -colorspace bt709"},
      {"full-range.mp4", kSource, "-vf scale=out_range=full -c:v libx264 -color_range pc"},
      {"sound-first.mov", std::string(kSource) + kSound, "-map 1:a -map 0:v -c:v libx264 -c:a aac"},
      {"variable.mov", kSource, "-vf select=not(mod(n\\,3))+gt(n\\,30) -vsync vfr -c:v libx264"},
      {"intra.mov", kSource, "-c:v mjpeg -q:v 2"},
      {"fragments.mp4", kSource, "-c:v libx264 -movflags frag_keyframe+empty_moov"},
      {"frames.gif", kSource, ""},
      {"frames.avi", kSource, "-c:v mpeg4"},
      {"stream.ts", kSource, "-c:v libx264 -f mpegts"},
      {"lossless.mkv", kSource, "-c:v ffv1"},
  };
}

// The numbers of the frames that are to be seen at some places, by the frames' times.
std::vector<size_t> shown_at(const std::filesystem::path& file,
                             const std::vector<int64_t>& places) {
  const Finished probe = run_tool("ffprobe", {"-v", "error", "-select_streams", "v",
                                              "-show_entries", "frame=best_effort_timestamp", "-of",
                                              "default=noprint_wrappers=1:nokey=1", file});
  std::istringstream lines(probe.out);
  const std::vector<int64_t> times(std::istream_iterator<int64_t>(lines), {});
  std::vector<size_t> shown;
  const auto count = static_cast<int64_t>(times.size());
  for (const int64_t place : places) {
    // (g + 1/2) of the mean step behind the first one, all twice and times count - 1.
    const int64_t limit = (2 * std::min(place, count - 1) + 1) * (times.back() - times.front());
    size_t last = 0;
    for (size_t i = 0; i < times.size(); ++i) {
      if (2 * (count - 1) * (times[i] - times.front()) <= limit) last = i;
    }
    shown.push_back(last);
  }
  return shown;
}

class MadeVideo : public testing::TestWithParam<Made> {};

TEST_P(MadeVideo, ShowsWhatFfmpegDecodes) {
  FOVEA_SKIP_WHERE(missing_for_video());
  FOVEA_SKIP_WHERE(missing_tool("ffmpeg"));
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / GetParam().name;
  if (!make_with_ffmpeg(GetParam().source + GetParam().coding, file)) {
    GTEST_SKIP() << "skipped: this ffmpeg has no encoder for " << GetParam().coding;
  }
  const std::filesystem::path raw = folder / "frames.rgb";
  ASSERT_TRUE(make_with_ffmpeg("-i " + file.string() +
                                   " -map 0:v:0 -vsync passthrough -sws_flags bicubic "
                                   "-pix_fmt rgb24 -f rawvideo",
                               raw));
  const std::unique_ptr<FrameSource> video = open_video(file);
  const std::string all = read_all(raw);
  const size_t size = frames_at(*video, {0})[0].rgb.size();
  ASSERT_EQ(all.size(), size * video->count());
  // From the middle, from the end backwards, and beyond it.
  for (const std::vector<int64_t>& places : {clip_places(video->count(), 16, 2),
                                             clip_places(video->count(), 4, 3, 2, 3),
                                             clip_places(video->count(), 4, 1, 1, 3),
                                             {0, 49, 200}}) {
    const std::vector<Image> frames = frames_at(*video, places);
    const std::vector<size_t> expected = shown_at(file, places);
    for (size_t i = 0; i < places.size(); ++i) {
      const auto begin = all.begin() + static_cast<ptrdiff_t>(expected[i] * size);
      const std::vector<uint8_t> frame(begin, begin + static_cast<ptrdiff_t>(size));
      EXPECT_LE(largest_difference(frames[i].rgb, frame), 1) << "place " << places[i];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, MadeVideo, testing::ValuesIn(all_made()),
                         [](const testing::TestParamInfo<Made>& info) {
                           std::string name = info.param.name;
                           std::erase_if(name, [](char c) { return !std::isalnum(c); });
                           return name;
                         });

// A telephone held upright, and the other ways up.
TEST(Video, IsTurnedAsItsContainerSays) {
  FOVEA_SKIP_WHERE(missing_for_video());
  FOVEA_SKIP_WHERE(missing_tool("ffmpeg"));
  const TemporaryFolder folder;
  for (const std::string angle : {"90", "180", "270"}) {
    SCOPED_TRACE(angle);
    const std::filesystem::path file = folder / (angle + ".mov");
    ASSERT_TRUE(make_with_ffmpeg(
        "-i " + media("shapes.mp4").string() + " -c copy -metadata:s:v:0 rotate=" + angle, file));
    const std::filesystem::path raw = folder / (angle + ".rgb");
    ASSERT_TRUE(make_with_ffmpeg(
        "-i " + file.string() + " -frames:v 1 -sws_flags bicubic -pix_fmt rgb24 -f rawvideo", raw));
    const Image first = frames_at(*open_video(file), {0})[0];
    EXPECT_EQ(first.width, angle == "180" ? 96 : 72);
    const std::string expected = read_all(raw);
    EXPECT_LE(largest_difference(first.rgb, std::vector<uint8_t>(expected.begin(), expected.end())),
              1);
  }
}

TEST(Video, ThatIsCutGivesTheFramesOfTheWholeOne) {
  FOVEA_SKIP_WHERE(missing_for_video());
  FOVEA_SKIP_WHERE(missing_tool("ffmpeg"));
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "index-first.mp4";
  ASSERT_TRUE(make_with_ffmpeg(
      "-i " + media("shapes.mp4").string() + " -c copy -movflags +faststart", file));
  const std::string bytes = read_all(file);
  write_file(file, bytes.substr(0, bytes.size() * 7 / 10));
  const std::vector<int64_t> places = {0, 2, 4, 6};
  EXPECT_EQ(bytes_of(frames_at(*open_video(file), places)),
            bytes_of(frames_at(*open_video(media("shapes.mp4")), places)));
}

}  // namespace
}  // namespace fovea
