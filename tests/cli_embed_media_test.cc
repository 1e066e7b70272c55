// fovea embed of videos and sound: rows of files, of clips and of windows.
#include "fovea/io/npy.h"
#include "tests/cli_media_testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CliEmbedMedia : public testing::Test {
 protected:
  Finished embed(const std::string& model, const std::vector<std::string>& words) const {
    std::vector<std::string> command = {"embed", model, "-o", out_, "--names", names_};
    command.insert(command.end(), words.begin(), words.end());
    return run_fovea(command);
  }
  // Row i of what was written.
  std::vector<double> row(size_t i) const {
    const Array rows = read_npy(out_);
    const size_t size = rows.data.size() / static_cast<size_t>(rows.shape[0]);
    const auto begin = rows.data.begin() + static_cast<ptrdiff_t>(i * size);
    return {begin, begin + static_cast<ptrdiff_t>(size)};
  }
  std::vector<std::string> names() const { return lines_of(read_text(names_)); }

  TemporaryFolder folder_;
  const std::string out_ = folder_ / "out.npy";
  const std::string names_ = folder_ / "names.txt";
  const std::string shapes_ = media("shapes.mp4");
  const std::string short_ = media("short.mp4");
};

TEST_F(CliEmbedMedia, GivesARowForAVideoOrForEachClip) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const std::vector<std::vector<float>> first = features_of(
      kVideoModel, {clip_of_shapes(0, 0), clip_of_shapes(0, 10), clip_of_shapes(0, 21)});
  const std::vector<std::vector<float>> last = features_of(
      kVideoModel, {clip_of_shapes(33, 0), clip_of_shapes(33, 10), clip_of_shapes(33, 21)});
  const std::vector<std::string> options = {shapes_,   short_, "--stride", "2",
                                            "--clips", "2",    "--crops",  "3"};
  const auto with = [&](std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  expect_done(embed(kVideoModel, options));
  EXPECT_EQ(read_npy(out_).shape, (Shape{2, 48}));
  EXPECT_THAT(names(), ElementsAre(shapes_, short_));
  std::vector<std::vector<double>> clips = {mean_of(first), mean_of(last)};
  expect_near(row(0), mean_of(clips), 1e-5);
  const Array whole = read_npy(out_);

  expect_done(embed(kVideoModel, with(options, {"--per", "clip", "--batch", "5"})));
  EXPECT_EQ(read_npy(out_).shape, (Shape{4, 48}));
  EXPECT_THAT(names(), ElementsAre(shapes_ + "#0", shapes_ + "#1", short_ + "#0", short_ + "#1"));
  expect_near(row(0), clips[0], 1e-5);
  expect_near(row(1), clips[1], 1e-5);

  expect_done(embed(kVideoModel, with(options, {"--per", "video", "--normalize"})));
  std::vector<double> scaled(whole.data.begin(), whole.data.begin() + 48);
  const double length =
      std::sqrt(std::inner_product(scaled.begin(), scaled.end(), scaled.begin(), 0.0));
  for (double& value : scaled) value /= length;
  expect_near(row(0), scaled, 1e-6);
}

TEST_F(CliEmbedMedia, GoesOnWithClips) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const std::vector<std::string> options = {"--clips", "2", "--per", "clip", "--resume"};
  const auto run = [&](std::vector<std::string> files) {
    files.insert(files.end(), options.begin(), options.end());
    expect_done(embed(kVideoModel, files));
  };
  run({shapes_, short_});
  const Array all = read_npy(out_);
  const std::vector<std::string> all_names = names();
  std::filesystem::remove(out_);
  std::filesystem::remove(names_);
  run({short_});
  EXPECT_THAT(names(), ElementsAre(short_ + "#0", short_ + "#1"));
  run({shapes_, short_});
  EXPECT_EQ(read_npy(out_).data, all.data);
  EXPECT_EQ(names(), all_names);
  expect_refused(embed(kVideoModel, {shapes_, short_, "--resume"}),
                 "expected pictures that are asked for now");
}

TEST_F(CliEmbedMedia, GivesARowForASoundOrForEachWindow) {
  FOVEA_SKIP_WHERE(missing_for_sound());
  const std::string file = folder_ / "chirp.wav";
  write_chirp(file, 2.4);
  const std::vector<std::vector<float>> windows = features_of(
      kSoundModel,
      {window_of(file, 0), window_of(file, 70), window_of(file, 140), window_of(file, 210)});
  const std::vector<std::string> words = {file, "--hop", "0.7"};
  expect_done(embed(kSoundModel, words));
  // 238 frames, of which the third window ends before the last two.
  EXPECT_EQ(read_npy(out_).shape, (Shape{1, 48}));
  expect_near(row(0), mean_of(windows), 1e-5);
  expect_done(embed(kSoundModel, {file, "--hop", "0.7", "--per", "window"}));
  EXPECT_THAT(names(), ElementsAre(file + "#0", file + "#1", file + "#2", file + "#3"));
  for (size_t i = 0; i < 4; ++i) {
    expect_near(row(i), {windows[i].begin(), windows[i].end()}, 1e-5);
  }
}

TEST_F(CliEmbedMedia, GivesAFeatureForEveryPatch) {
  FOVEA_SKIP_WHERE(missing_for_video());
  const std::vector<std::string> merged = {"--dense", "--r", "20"};
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.end(), merged.begin(), merged.end());
    return words;
  };
  expect_done(embed(kVideoModel, with({shapes_, "--stride", "2"})));
  EXPECT_EQ(read_npy(out_).shape, (Shape{1, 2, 8, 8, 48}));
  const Result result =
      Model::load(kVideoModel).run(clip_of_shapes(16, 10), {.merge = {.schedule = {.r = 20}}});
  const Array dense = dense_features(result, 0, 0);
  EXPECT_LE(largest_difference(read_npy(out_).data, dense.data), 1e-5F);
  expect_done(embed(kVideoModel, with({shapes_, "--clips", "3", "--per", "clip"})));
  EXPECT_EQ(read_npy(out_).shape, (Shape{3, 2, 8, 8, 48}));
  expect_refused(embed(kVideoModel, with({shapes_, "--clips", "3"})),
                 "--dense: patches of several clips have no mean; expected --per clip");
  expect_refused(embed(kVideoModel, with({shapes_, "--crops", "3"})),
                 "--dense: does not go with --crops 3");
  FOVEA_SKIP_WHERE(missing_for_sound());
  const std::string sweep = media("sweep-16k.wav");
  expect_done(embed(kSoundModel, with({sweep, "--per", "window"})));
  EXPECT_EQ(read_npy(out_).shape, (Shape{2, 12, 9, 48})) << "98 frames in windows of 96";
  expect_refused(embed(kSoundModel, with({sweep})),
                 "--dense: patches of several windows have no mean; expected --per window");
}

TEST_F(CliEmbedMedia, RefusesRowsOfOtherMedia) {
  expect_refused(embed(kVideoModel, {shapes_, "--per", "window"}),
                 "--per window: expected video or clip of " + kVideoModel);
  expect_refused(embed(kSoundModel, {media("sweep-16k.wav"), "--per", "clip"}),
                 "--per clip: expected sound or window of ");
  expect_refused(embed(golden_path("vit"), {picture("photo.jpg"), "--per", "clip"}),
                 "is a model of pictures, which have a row each");
}

}  // namespace
}  // namespace fovea
