// fovea preprocess of videos and sound against the references' inputs, and what it refuses.
#include <cmath>

#include "fovea/data/media_testing.h"
#include "fovea/data/testing.h"
#include "fovea/fovea.h"
#include "fovea/io/npy.h"
#include "fovea/io/tensor_file.h"
#include "tests/cli_testing.h"
#include "tests/faults.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kVideoModel = test_data() / "goldens-video" / "videomae";
const std::string kSoundModel = test_data() / "goldens-audio" / "ast";

std::vector<float> tensor_of(const fs::path& file, const std::string& name) {
  const TensorFile tensors = TensorFile::open(file);
  return to_floats(tensors.tensors().at(name), file);
}

class CliPreprocessMedia : public testing::Test {
 protected:
  Finished preprocess(const std::string& model, const std::vector<std::string>& words) const {
    std::vector<std::string> command = {"preprocess", model, "-o", out_};
    command.insert(command.end(), words.begin(), words.end());
    return run_fovea(command);
  }
  Array input() const { return read_npy(out_); }

  TemporaryFolder folder_;
  std::string out_ = folder_ / "out.npy";
};

TEST_F(CliPreprocessMedia, OfAVideoWritesTheReferencesInput) {
  FOVEA_SKIP_WHERE(missing_for_video());
  expect_done(preprocess(kVideoModel, {media("shapes.mp4"), "--stride", "2"}));
  EXPECT_EQ(input().shape, (Shape{1, 3, 4, 64, 64}));
  const Array golden = read_npy(media("shapes-input-4x64.npy"));
  EXPECT_LE(largest_difference(input().data, golden.data), 2.0 / 255 / 0.5 + 1e-6);
  const std::string result = folder_ / "out.safetensors";
  expect_done(run_fovea({"forward", kVideoModel, "--input", out_, "--output", result}));
  const std::vector<float> logits =
      tensor_of(fs::path(kVideoModel) / "from-file.safetensors", "logits");
  EXPECT_LE(largest_difference(tensor_of(result, "logits"), logits), 5e-3F);
  const Array loaded = Model::load(kVideoModel).preprocess(media("shapes.mp4"));
  expect_done(preprocess(kVideoModel, {media("shapes.mp4"), "--stride", "4"}));
  EXPECT_EQ(loaded.shape, (Shape{1, 3, 4, 64, 64}));
  EXPECT_EQ(loaded.data, input().data) << "4 is the default";
}

TEST_F(CliPreprocessMedia, OfAVideoWritesRawFrames) {
  FOVEA_SKIP_WHERE(missing_for_video());
  struct Case {
    std::string file, golden;
    size_t width, height;
  };
  for (const Case& video : {Case{"shapes.mp4", "shapes-clip.npy", 96, 72},
                            Case{"rotated.mp4", "rotated-clip.npy", 48, 64}}) {
    SCOPED_TRACE(video.file);
    expect_done(preprocess(kVideoModel, {media(video.file), "--stride", "2", "--stage", "raw"}));
    EXPECT_EQ(npy_dtype(out_), "|u1");
    EXPECT_THAT(read_text(out_).substr(0, 128),
                HasSubstr(fmt::format("(4, {}, {}, 3)", video.height, video.width)));
    const size_t frame = 3 * video.width * video.height;
    // Of the 16 of the golden the four in the middle.
    const std::vector<uint8_t> clip = bytes_of_npy(media(video.golden), 16 * frame);
    const auto begin = clip.begin() + static_cast<ptrdiff_t>(6 * frame);
    const std::vector<uint8_t> middle(begin, begin + static_cast<ptrdiff_t>(4 * frame));
    EXPECT_LE(largest_difference(bytes_of_npy(out_, 4 * frame), middle), 1);
  }
}

TEST_F(CliPreprocessMedia, OfASoundWritesTheReferencesInput) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  expect_done(preprocess(kSoundModel, {media("sweep-16k.wav"), media("bursts-16k-float.wav")}));
  EXPECT_EQ(input().shape, (Shape{2, 96, 128}));
  const std::vector<float> golden =
      tensor_of(fs::path(kSoundModel) / "from-file.safetensors", "input");
  std::vector<float> first = input().data;
  first.resize(first.size() / 2);
  EXPECT_LE(largest_difference(first, golden), 0.002F);
  EXPECT_EQ(Model::load(kSoundModel).preprocess(media("sweep-16k.wav")).data, first);
}

TEST_F(CliPreprocessMedia, OfASoundWritesAllFilterBanks) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  expect_done(preprocess(kSoundModel, {media("sweep-16k.wav"), "--stage", "raw"}));
  const Array golden = read_npy(media("sweep-16k-fbank.npy"));
  EXPECT_EQ(input().shape, golden.shape);
  EXPECT_LE(largest_difference(input().data, golden.data), 0.01F);
}

TEST_F(CliPreprocessMedia, TakesFolders) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const fs::path videos = folder_ / "videos";
  for (const char* part : {"clip", "more"}) fs::create_directories(videos / part);
  for (uint8_t i = 0; i < 4; ++i) {
    write_file(videos / "clip" / (std::to_string(i) + ".png"), png_of(64, 64, {i, 9, 9}));
  }
  fs::copy_file(media("short.mp4"), videos / "more" / "a.mp4");
  write_file(videos / "more" / "cover.png", png_of(64, 64, {1, 2, 3}));
  const Finished done = preprocess(kVideoModel, {videos, "--stride", "1"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.err, "note: left out: 1 file of other kinds: 1 .png\n");
  EXPECT_EQ(input().shape, (Shape{2, 3, 4, 64, 64}));
  for (size_t i = 0; i < 4; ++i) {  // red
    EXPECT_NEAR(input().data[i * 64 * 64], (static_cast<double>(i) / 255 - 0.5) / 0.5, 1e-6);
  }
  expect_refused(preprocess(kSoundModel, {videos}), "no .wav, .flac");
}

TEST_F(CliPreprocessMedia, SkipsWhatCannotBeRead) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const Finished some =
      preprocess(kVideoModel, {media("truncated.mp4"), media("short.mp4"), "--stride", "2"});
  EXPECT_EQ(some.status, 1);
  EXPECT_THAT(some.err, HasSubstr("skipped: "));
  EXPECT_THAT(some.err, HasSubstr("truncated.mp4: broken video: "));
  EXPECT_EQ(input().shape[0], 1);
  expect_refused(preprocess(kVideoModel, {media("truncated.mp4"), "--stride", "2"}),
                 "truncated.mp4: broken video: ends after 4990 of 8317 bytes");
  expect_refused(
      preprocess(kVideoModel, {media("truncated.mp4"), "--stride", "2", "--stage", "raw"}),
      "truncated.mp4: broken video: ends after 4990 of 8317 bytes");
  expect_refused(preprocess(kVideoModel, {media("no-index.mp4")}), "moov atom not found");
  expect_refused(preprocess(kVideoModel, {media("audio-only.mp4")}), "holds no video");
  expect_refused(preprocess(kVideoModel, {picture("photo.jpg")}),
                 "is a JPEG picture; expected a video");
  expect_refused(preprocess(kSoundModel, {media("shapes.mp4")}), "shapes.mp4: holds no sound");
  const Finished none = preprocess(kSoundModel, {media("shapes.mp4"), media("short.mp4")});
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.err, HasSubstr("none of 2 sounds could be read"));
}

TEST_F(CliPreprocessMedia, RefusesWrongOptions) {
  const std::string file = media("shapes.mp4");
  expect_refused(preprocess(kVideoModel, {file, "--stride", "0"}),
                 "--stride 0: expected a whole number from 1");
  expect_refused(preprocess(kSoundModel, {file, "--stride", "2"}), "is no model of videos");
  expect_refused(preprocess(kVideoModel, {file, file, "--stage", "raw"}),
                 "--stage raw: 2 files; expected one");
}

TEST_F(CliPreprocessMedia, WithoutTheirLibrariesSaysWhatToInstall) {
  FOVEA_SKIP_WITH_SANITIZERS();
  const auto lacking = [&](const std::string& model, const std::string& file) {
    return run_failing("lack_libraries", {}, {"preprocess", model, media(file), "-o", out_})
        .finished;
  };
  expect_refused(lacking(kSoundModel, "sweep-16k.wav"),
                 "sweep-16k.wav: WAV, FLAC, Ogg and MP3 are read through libsndfile.so.1, which is "
                 "not installed (Debian package libsndfile1)");
  expect_refused(lacking(kVideoModel, "shapes.mp4"), "shapes.mp4: ");
  expect_refused(lacking(kVideoModel, "shapes.mp4"), "(Debian packages libav");
  expect_refused(lacking(kSoundModel, "audio-only.mp4"), "(Debian packages libav");
}

}  // namespace
}  // namespace fovea
