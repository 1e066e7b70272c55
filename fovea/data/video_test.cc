// Clips of video files against what FFmpeg's libraries made of them for the goldens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/data/media_testing.h"
#include "fovea/data/preprocess.h"
#include "fovea/data/testing.h"
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

// The mean, where frames come at a variable rate.
TEST(Video, TellsItsPace) {
  FOVEA_SKIP_WHERE(missing_for_video());
  EXPECT_NEAR(open_video(media("shapes.mp4"))->seconds_of_step(), 0.04, 1e-9);
  EXPECT_NEAR(open_video(media("variable.webm"))->seconds_of_step(), 1.405 / 35, 1e-9);
}

// What is said of a file from which a clip of 16 frames, two places apart, is wanted.
std::string refusal(const std::filesystem::path& path) {
  return error_of([&] {
    const std::unique_ptr<FrameSource> video = open_video(path);
    frames_at(*video, clip_places(video->count(), 16, 2));
  });
}

TEST(Video, IsRefusedInOneLine) {
  FOVEA_SKIP_WHERE(missing_for_video());
  EXPECT_EQ(refusal(media("audio-only.mp4")),
            media("audio-only.mp4").string() + ": holds no video");
  EXPECT_THAT(
      refusal(media("no-index.mp4")),
      HasSubstr("no-index.mp4: is an MP4 video that FFmpeg can't read: moov atom not found"));
  EXPECT_THAT(refusal(media("truncated.mp4")),
              HasSubstr("truncated.mp4: broken video: ends after 4990 of 8317 bytes; 15 of 40 "
                        "frames can be read"));
  const TemporaryFolder folder;
  write_file(folder / "empty.mp4", "");
  EXPECT_THAT(refusal(folder / "empty.mp4"), HasSubstr("empty.mp4: is empty"));
  write_file(folder / "text.mp4", "no video");
  EXPECT_THAT(refusal(folder / "text.mp4"),
              HasSubstr("text.mp4: no video or sound that FFmpeg reads"));
  std::filesystem::copy_file(test_data() / "goldens-preprocess" / "photo.jpg",
                             folder / "picture.mp4");
  EXPECT_THAT(refusal(folder / "picture.mp4"),
              HasSubstr("picture.mp4: is a JPEG picture; expected a video"));
  EXPECT_THAT(refusal(folder / "none.mp4"), HasSubstr("none.mp4"));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("is a folder; expected a file"));
  const ReadOptions small{.max_pixels = 1000};
  EXPECT_THAT(error_of([&] { frames_at(*open_video(media("shapes.mp4"), small), {0}); }),
              HasSubstr("shapes.mp4: "));
}

// What can be read of a broken file counts where that is a whole clip.
TEST(Video, ThatIsCutGivesTheClipsThatItHas) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const std::unique_ptr<FrameSource> cut = open_video(media("truncated.mp4"));
  EXPECT_EQ(cut->count(), 40) << "as it says";
  const std::vector<Image> first = frames_at(*cut, clip_places(40, 4, 3, 0, 2));
  EXPECT_EQ(first[3].rgb, frames_at(*cut, {9})[0].rgb);
  EXPECT_NE(first[3].rgb, first[2].rgb);
  const std::string why = "15 of 40 frames can be read";
  EXPECT_THAT(error_of([&] { frames_at(*cut, clip_places(40, 4, 2)); }), HasSubstr(why));
  EXPECT_THAT(error_of([&] { frames_at(*cut, {0, 39}); }), HasSubstr(why));
  EXPECT_THAT(error_of([&] {
                frames_at(*cut, {0, 40});
              }),
              HasSubstr("15 frames can be read, expected 41 for the clip"));
  const std::string webm = read_text(media("variable.webm"));
  const std::string half = webm.substr(0, webm.size() / 2);
  const std::unique_ptr<FrameSource> untold =
      open_video(bytes_in_memory(as_bytes(half), "half.webm"), {});
  EXPECT_LT(untold->count(), 36);
  EXPECT_GT(untold->count(), 4);
  EXPECT_EQ(frames_at(*untold, clip_places(untold->count(), 2, 1)).size(), 2U);
  EXPECT_THAT(error_of([&] {
                frames_at(*untold, {0, 36});
              }),
              HasSubstr("half.webm: broken video: ends after "));
}

TEST(Video, IsTheSameWhereverReadingBegins) {
  FOVEA_SKIP_WHERE(missing_for_video());
  for (const std::string name : {"shapes.mp4", "variable.webm", "rotated.mp4"}) {
    SCOPED_TRACE(name);
    const std::unique_ptr<FrameSource> video = open_video(media(name));
    std::vector<int64_t> all(video->count());
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
    const std::vector<Image> frames = frames_at(*video, all);
    for (int64_t place = video->count() - 1; place >= 0; place -= 7) {
      EXPECT_EQ(frames_at(*video, {place})[0].rgb, frames[place].rgb) << place;
    }
    EXPECT_EQ(frames_at(*video, {1000, 2000})[1].rgb, frames.back().rgb);
  }
}

// Whatever stands in a file: an error in one line, or frames.
TEST(Video, SurvivesBrokenBytes) {
  FOVEA_SKIP_WHERE(missing_for_video());
  int read = 0;
  for (const std::string name : {"shapes.mp4", "variable.webm", "audio-only.mp4"}) {
    for_broken(read_text(media(name)), 150, [&](std::span<const std::byte> bytes) {
      error_of([&] {
        const std::unique_ptr<FrameSource> video =
            open_video(bytes_in_memory(bytes, name), {.max_pixels = 1'000'000});
        frames_at(*video, clip_places(std::min<int64_t>(video->count(), 100), 4, 2));
        ++read;
      });
    });
  }
  EXPECT_GT(read, 0) << "some are broken where nobody looks";
}

TEST(Clip, PlacesAreInTheMiddleOrSpreadEvenly) {
  EXPECT_THAT(clip_places(40, 4, 2), ElementsAre(16, 18, 20, 22));
  EXPECT_EQ(clip_places(40, 16, 2).front(), 4);
  EXPECT_EQ(clip_places(34, 16, 2).front(), 1);
  EXPECT_EQ(clip_places(10, 16, 2).front(), 0);
  EXPECT_THAT(clip_places(10, 4, 2, 0, 3), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(clip_places(10, 4, 2, 1, 3), ElementsAre(1, 3, 5, 7));
  EXPECT_THAT(clip_places(10, 4, 2, 2, 3), ElementsAre(3, 5, 7, 9));
  EXPECT_THAT(clip_places(3, 3, 1, 1, 2), ElementsAre(0, 1, 2));
}

TEST(Clip, IsMadeOfPictures) {
  const TemporaryFolder folder;
  std::vector<std::filesystem::path> pictures;
  for (uint8_t i = 0; i < 3; ++i) {
    pictures.push_back(folder / (std::to_string(i) + ".png"));
    write_file(pictures.back(), png_of(4, 2, {i, 0, 0}));
  }
  const std::unique_ptr<FrameSource> frames = open_frames(pictures, folder.path());
  EXPECT_EQ(frames->count(), 3);
  EXPECT_EQ(frames->seconds_of_step(), 0);
  const Preprocessing spec{.height = 2,
                           .width = 4,
                           .mean = {0, 0, 0},
                           .std = {1, 1, 1},
                           .fit = Fit::exact,
                           .full_scale = 1};
  const Array clip = preprocess_clip(*frames, clip_places(3, 4, 1), spec);
  EXPECT_EQ(clip.shape, (Shape{3, 4, 2, 4}));
  EXPECT_THAT(std::vector<float>(clip.data.begin(), clip.data.begin() + 32),
              ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2,
                          2, 2, 2, 2, 2, 2, 2));
  write_file(pictures[1], png_of(5, 2, {1, 0, 0}));
  EXPECT_THAT(error_of([&] {
                frames_at(*frames, {0, 1});
              }),
              AllOf(HasSubstr("1.png: is 5 x 2 pixels; expected 4 x 2"), HasSubstr("0.png")));
  EXPECT_THAT(error_of([&] { open_frames({}, "empty/"); }), HasSubstr("empty/: no pictures"));
}

}  // namespace
}  // namespace fovea
