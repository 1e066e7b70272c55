// Models of videos and of sound through the library's door: inputs of other extents, what stands
// for the class token, and inputs that do not fit.
#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "tests/goldens.h"
#include "tests/media.h"

namespace fovea {
namespace {

using testing::HasSubstr;

Model saved(const Architecture& a) {
  const TemporaryFolder folder;
  save_varied_model(folder.path(), a);
  return Model::load(folder.path(), {.threads = 2});
}

std::string refused(const std::string& name, const Shape& shape) {
  const Model model = Model::load(golden(name), {.threads = 1});
  return error_of([&] { model.run(Array(shape)); });
}

TEST(Media, PatchesOfAudioMaeMayOverlap) {
  const Model model = saved(overlapping_audio_mae());
  const Architecture& a = model.architecture();
  EXPECT_EQ(a.family, "AudioMAE");
  EXPECT_EQ(a.stride, Grid(5, 3));
  EXPECT_EQ(a.patches_of(a.image_size), Grid(6, 5)) << "time outermost";
  const Result result = model.run(varied({2, 33, 20}), {.merge = {.schedule = {.r = 4}}});
  EXPECT_EQ(result.tokens.shape, (Shape{2, 1 + 30 - 8, 16}));
  EXPECT_EQ(dense_features(result, 1, a.prefix()).shape, (Shape{30, 16}));
}

// Attention tells all others of a frame that changes, but those over it change most.
TEST(Media, PatchesSeeTheFramesThatTheyLieOver) {
  const Model model = saved(overlapping_audio_mae());
  Array sound = varied({1, 33, 20});
  const Result before = model.run(sound);
  for (int mel = 0; mel < 20; ++mel) sound.data[32 * 20 + mel] += 3;
  const Result after = model.run(sound);
  std::vector<double> change(31);
  for (size_t i = 0; i < before.tokens.data.size(); ++i) {
    change[i / 16] += std::abs(after.tokens.data[i] - before.tokens.data[i]);
  }
  const double of_last = std::accumulate(change.begin() + 26, change.end(), 0.0) / 5;
  const double of_others = std::accumulate(change.begin() + 1, change.begin() + 26, 0.0) / 25;
  EXPECT_GT(of_last, 3 * of_others) << "the last frame is in the last row of patches alone";
}

TEST(Media, WithoutClassTokenMaeStLeavesTheFirstPatchOut) {
  const Model model = saved(classless_mae_st());
  const Architecture& a = model.architecture();
  EXPECT_EQ(a.family, "MAE-ST");
  EXPECT_TRUE(a.first_patch_leads);
  const Result result = model.run(varied({1, 3, 6, 16, 24}), {.merge = {.schedule = {.r = 2}}});
  ASSERT_EQ(result.tokens.shape, (Shape{1, 12 - 4, 16}));
  EXPECT_EQ(result.sizes.data[0], 1) << "it never merges";
  EXPECT_EQ(result.source.data[0], 0);
  EXPECT_EQ(dense_features(result, 0, a.prefix()).shape, (Shape{12, 16}));

  VariedWeights weights;
  const Array gamma = weights.read("norm.weight", {16}, Start::one);
  const Array beta = weights.read("norm.bias", {16}, Start::zero);
  std::vector<double> pooled(16);
  double mean = 0;
  double variance = 0;
  for (int c = 0; c < 16; ++c) {
    for (int t = 1; t < 8; ++t)
      pooled[c] += result.sizes.data[t] * result.tokens.data[t * 16 + c] / 11.0;
    mean += pooled[c] / 16;
  }
  for (const double value : pooled) variance += (value - mean) * (value - mean) / 16;
  for (int c = 0; c < 16; ++c) {
    const double normed = (pooled[c] - mean) / std::sqrt(variance + 1e-6);
    EXPECT_NEAR(result.features.data[c], normed * gamma.data[c] + beta.data[c], 1e-4) << c;
  }
}

TEST(Media, VideoMaeTakesAnyNumberOfFramesAndAnySize) {
  for (const char* name : {"videomae", "videomae-first-token", "videomae-original-names"}) {
    const Model model = Model::load(golden(name), {.threads = 2});
    const Architecture& a = model.architecture();
    for (const Grid& grid : {Grid(1, 4, 4), Grid(3, 3, 5), Grid(8, 2, 2)}) {
      const Grid size = grid * a.patch;
      const Result result = model.run(varied(input_shape(a, 1, size)));
      EXPECT_EQ(result.tokens.shape[1], grid.size()) << name;
    }
  }
}

TEST(Media, InputsThatDoNotFitAreNamed) {
  EXPECT_EQ(refused("videomae", {1, 3, 64, 64}),
            "videos are [1, 3, 64, 64]; expected [batch, 3, frames, height, width]");
  EXPECT_EQ(refused("videomae", {1, 1, 4, 64, 64}),
            "videos are [1, 1, 4, 64, 64]; expected [batch, 3, frames, height, width]");
  EXPECT_THAT(refused("videomae", {1, 3, 5, 64, 64}),
              HasSubstr("expected multiples of the tube, 2 x 8 x 8; next to 5 are 4 and 6"));
  EXPECT_THAT(refused("videomae", {1, 3, 1, 64, 64}), HasSubstr("; the least is 2"));
  EXPECT_THAT(refused("videomae", {1, 3, 4, 60, 64}), HasSubstr("; next to 60 are 56 and 64"));
  EXPECT_THAT(refused("videomae", {0, 3, 4, 64, 64}), HasSubstr("expected at least one"));
  for (const Shape& other : {Shape{1, 3, 8, 48, 48}, {1, 3, 4, 64, 64}, {1, 3, 8, 24, 48}}) {
    EXPECT_THAT(refused("mae-st", other),
                HasSubstr("the model's positions are stored for one size alone; expected 4 frames "
                          "of 48 x 48 pixels"));
  }
  EXPECT_THAT(refused("mae-st-sep-pos", {1, 3, 4, 48, 48}), HasSubstr("expected 6 frames of"));
  EXPECT_EQ(refused("ast", {1, 1, 96, 128}),
            "spectrograms are [1, 1, 96, 128]; expected [batch, frames, 128]");
  EXPECT_EQ(refused("ast", {1, 96, 64}),
            "spectrograms are [1, 96, 64]: the model's positions are stored for one size alone; "
            "expected 96 frames of 128 mel bins");
  for (const Shape& other : {Shape{1, 128, 96}, {1, 200, 128}, {1, 8, 128}, {1, 96, 129}}) {
    EXPECT_THAT(refused("ast", other), HasSubstr("expected 96 frames of 128 mel bins"));
    EXPECT_THAT(refused("audiomae", other), HasSubstr("expected 96 frames of 128 mel bins"));
  }
  EXPECT_THAT(refused("vit", {1, 3, 4, 48, 48}),
              HasSubstr("images are [1, 3, 4, 48, 48]; expected [batch, 3, height, width]"));
}

// A video's merged tokens come from several frames.
TEST(Media, MergesOverSpaceAndTime) {
  const Model model = Model::load(golden("mae-st"), {.threads = 1});
  const Array input = read_npy(golden("mae-st") / "input.npy");
  const Result result = model.run(input, {.merge = {.schedule = {.r = 20}}});
  const int64_t places = 36;
  bool is_over_time = false;
  for (int64_t i = 1; i <= places; ++i) {
    for (int64_t j = places + 1; j <= 2 * places; ++j) {
      is_over_time = is_over_time || result.source.data[i] == result.source.data[j];
    }
  }
  EXPECT_TRUE(is_over_time);
}

}  // namespace
}  // namespace fovea
