#include "fovea/data/mix.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

constexpr int64_t kBatch = 5;
constexpr int64_t kClasses = 5;
constexpr int64_t kSide = 8;

// Image i is i everywhere, and of class i.
struct Numbered {
  Array images = Array({kBatch, 3, kSide, kSide});
  Array targets;
  Numbered() {
    constexpr int64_t kPixels = 3 * kSide * kSide;
    for (int64_t i = 0; i < kBatch * kPixels; ++i) {
      images.data[i] = static_cast<float>(i / kPixels);
    }
    targets = smooth_targets(std::array{0, 1, 2, 3, 4}, kClasses, 0);
  }
  std::span<const float> image(int64_t i) const {
    constexpr int64_t kPixels = 3 * kSide * kSide;
    return std::span(images.data).subspan(i * kPixels, kPixels);
  }
  float target(int64_t i, int64_t of) const { return targets.data[i * kClasses + of]; }
};

// Each target says how much of each image there is: the images' values are their classes.
void expect_targets_tell_the_mean(const Numbered& mixed) {
  for (int64_t i = 0; i < kBatch; ++i) {
    const auto image = mixed.image(i);
    const double mean =
        std::accumulate(image.begin(), image.end(), 0.0) / static_cast<double>(image.size());
    double told = 0;
    double sum = 0;
    for (int64_t c = 0; c < kClasses; ++c) {
      told += static_cast<double>(c) * mixed.target(i, c);
      sum += mixed.target(i, c);
    }
    EXPECT_NEAR(mean, told, 1e-4);
    EXPECT_NEAR(sum, 1, 1e-6);
  }
}

TEST(SmoothTargets, ShareOutWhatTheyTakeFromTheClass) {
  const Array targets = smooth_targets(std::array{2, 0}, 4, 0.2);
  EXPECT_EQ(targets.shape, (Shape{2, 4}));
  const std::array<float, 8> expected = {0.05F, 0.05F, 0.85F, 0.05F, 0.85F, 0.05F, 0.05F, 0.05F};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_FLOAT_EQ(targets.data[i], expected[i]);
}

TEST(DrawBeta, HasTheMomentsOfTheDistribution) {
  constexpr int kDraws = 20'000;
  for (const double alpha : {0.2, 0.8, 1.0, 3.0}) {
    Random random({7});
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double x = draw_beta(alpha, random);
      ASSERT_TRUE(x >= 0 && x <= 1);
      sum += x;
      squares += (x - 0.5) * (x - 0.5);
    }
    EXPECT_NEAR(sum / kDraws, 0.5, 0.01) << alpha;
    EXPECT_NEAR(squares / kDraws, 0.25 / (2 * alpha + 1), 0.005) << alpha;
  }
}

TEST(MixBatch, MixupBlendsImagesAndTargetsByOneShare) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Numbered mixed;
    Random random({seed});
    mix_batch(mixed.images, mixed.targets, {.mixup = 0.8, .cutmix = 0}, random);
    expect_targets_tell_the_mean(mixed);
    EXPECT_FLOAT_EQ(mixed.target(0, 0), mixed.target(4, 4));
    EXPECT_EQ(mixed.image(1)[0], mixed.image(1)[100]);
    EXPECT_EQ(mixed.target(2, 2), 1) << "the one in the middle has no other";
  }
}

TEST(MixBatch, CutmixPastesABoxAndCountsIt) {
  bool pasted = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Numbered mixed;
    Random random({seed});
    mix_batch(mixed.images, mixed.targets, {.mixup = 0, .cutmix = 1}, random);
    expect_targets_tell_the_mean(mixed);
    for (const float value : mixed.image(1)) {
      ASSERT_TRUE(value == 1 || value == 3) << value;
      pasted = pasted || value == 3;
    }
  }
  EXPECT_TRUE(pasted);
}

TEST(MixBatch, IsTheSameForTheSameSeedAndLeavesAloneWhatItShould) {
  const auto mixed = [](uint64_t seed, const Mix& mix) {
    Numbered numbered;
    Random random({seed});
    mix_batch(numbered.images, numbered.targets, mix, random);
    return numbered.images.data;
  };
  EXPECT_EQ(mixed(3, {}), mixed(3, {}));
  EXPECT_NE(mixed(3, {}), mixed(4, {}));
  EXPECT_EQ(mixed(3, {.prob = 0}), Numbered().images.data);
  EXPECT_EQ(mixed(3, {.mixup = 0, .cutmix = 0}), Numbered().images.data);
}

}  // namespace
}  // namespace fovea
