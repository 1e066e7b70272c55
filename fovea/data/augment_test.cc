#include "fovea/data/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <vector>

#include "fovea/data/preprocess.h"

namespace fovea {
namespace {

constexpr int kSide = 32;

// Values are bytes over 255, so that pictures can be read from them.
Preprocessing plain() {
  return {.height = kSide, .width = kSide, .mean = {0, 0, 0}, .std = {1, 1, 1}, .crop_pct = 1};
}

// No two pixels alike: red counts columns, green counts rows, nothing is black.
Image numbered(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int value : {x + 1, y + 1, 200}) image.rgb.push_back(static_cast<uint8_t>(value));
    }
  }
  return image;
}

// Nothing but the crop that is asked for.
Augmentation only(Crop crop) { return {.crop = crop, .hflip = 0, .rand_augment = {}, .reprob = 0}; }

std::vector<float> augmented(const Image& image, const Augmentation& augmentation, uint64_t seed,
                             const Preprocessing& spec = plain()) {
  std::vector<float> out(size_t{3} * spec.height * spec.width);
  Random random({seed});
  augment(image, spec, augmentation, random, out, "picture");
  return out;
}

int byte_at(const std::vector<float>& values, int channel, int y, int x) {
  return static_cast<int>(std::lround(255 * values[(channel * kSide + y) * kSide + x]));
}

TEST(Augment, OfTheCentreWithoutChangesIsPreprocessing) {
  const Image image = numbered(50, 40);
  const Preprocessing spec = {.height = kSide, .width = kSide};
  std::vector<float> expected(size_t{3} * kSide * kSide);
  preprocess(image, spec, expected, "picture");
  EXPECT_EQ(augmented(image, only(Crop::centre), 1, spec), expected);
}

TEST(Augment, MovesThePictureWithinABlackFrame) {
  std::set<std::pair<int, int>> moves;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<float> out = augmented(numbered(kSide, kSide), only(Crop::padded), seed);
    const int right = 16 + 1 - byte_at(out, 0, 16, 16);
    const int down = 16 + 1 - byte_at(out, 1, 16, 16);
    moves.insert({right, down});
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const bool inside =
            x - right >= 0 && x - right < kSide && y - down >= 0 && y - down < kSide;
        ASSERT_EQ(byte_at(out, 0, y, x), inside ? x - right + 1 : 0);
        ASSERT_EQ(byte_at(out, 1, y, x), inside ? y - down + 1 : 0);
      }
    }
  }
  for (const auto& [right, down] : moves) EXPECT_LE(std::max(std::abs(right), std::abs(down)), 4);
  EXPECT_GT(moves.size(), 60U) << "of 81";
}

TEST(Augment, MirrorsAsOftenAsItIsTold) {
  Augmentation augmentation = only(Crop::centre);
  augmentation.hflip = 0.5;
  int mirrored = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const std::vector<float> out = augmented(numbered(kSide, kSide), augmentation, seed);
    const int first = byte_at(out, 0, 0, 0);
    ASSERT_TRUE(first == 1 || first == kSide);
    for (int x = 0; x < kSide; ++x) {
      ASSERT_EQ(byte_at(out, 0, 5, x), first == 1 ? x + 1 : kSide - x);
    }
    mirrored += first == kSide ? 1 : 0;
  }
  EXPECT_NEAR(mirrored, 200, 50);
}

TEST(DrawCrop, StaysWithinThePictureAndItsBounds) {
  Random random({11});
  const Augmentation augmentation;
  for (int i = 0; i < 2000; ++i) {
    const PixelBox box = draw_crop(200, 160, augmentation, random);
    ASSERT_TRUE(box.left >= 0 && box.top >= 0 && box.width > 0 && box.height > 0);
    ASSERT_TRUE(box.left + box.width <= 200 && box.top + box.height <= 160);
    const double area = static_cast<double>(box.width) * box.height / (200 * 160);
    ASSERT_TRUE(area > 0.075 && area <= 1) << area;
    const double ratio = static_cast<double>(box.width) / box.height;
    ASSERT_TRUE(ratio > 0.72 && ratio < 1.38) << ratio;
  }
}

TEST(DrawCrop, OfANarrowPictureIsItsMiddle) {
  Augmentation augmentation;
  augmentation.scale = {0.9, 1};
  Random random({11});
  const PixelBox box = draw_crop(1000, 30, augmentation, random);
  EXPECT_EQ(box.width, 40);
  EXPECT_EQ(box.height, 30);
  EXPECT_EQ(box.left, 480);
  const PixelBox dot = draw_crop(1, 1, augmentation, random);
  EXPECT_EQ(dot.width, 1);
  EXPECT_EQ(dot.height, 1);
}

TEST(Augment, ResizesABoxOfPicturesOfAnySize) {
  for (const auto& [width, height] :
       std::vector<std::pair<int, int>>{{1, 1}, {1, 90}, {70, 3}, {32, 32}, {90, 60}}) {
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const std::vector<float> out = augmented(numbered(width, height), {}, seed);
      EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](float x) { return std::isfinite(x); }));
    }
  }
}

TEST(Erase, FillsOneBoxWithNoise) {
  Augmentation augmentation;
  augmentation.reprob = 1;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    std::vector<float> values(size_t{3} * kSide * kSide, 100);
    Random random({seed});
    erase(values, kSide, kSide, augmentation, random);
    const auto erased = std::count_if(values.begin(), values.end(), [](float x) { return x < 90; });
    EXPECT_EQ(erased % 3, 0);
    EXPECT_GT(erased, 3 * 32 * 32 * 0.01);
    EXPECT_LT(erased, 3 * 32 * 32 * 0.4);
  }
  augmentation.reprob = 0;
  std::vector<float> values(size_t{3} * kSide * kSide, 100);
  Random random({1});
  erase(values, kSide, kSide, augmentation, random);
  EXPECT_EQ(std::count(values.begin(), values.end(), 100), int64_t{3} * kSide * kSide);
}

TEST(Augment, DependsOnNothingButTheSeed) {
  Augmentation everything;
  everything.rand_augment.operations = 2;
  everything.reprob = 0.5;
  const Image image = numbered(60, 50);
  std::set<std::vector<float>> all;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const std::vector<float> out = augmented(image, everything, seed);
    EXPECT_EQ(out, augmented(image, everything, seed));
    all.insert(out);
  }
  EXPECT_EQ(all.size(), 30U);
}

TEST(RandAugment, ChangesAboutAsOftenAsItIsTold) {
  const Image image = numbered(40, 40);
  int unchanged = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Random random({seed});
    unchanged += rand_augment(image, {.operations = 2}, random).rgb == image.rgb ? 1 : 0;
  }
  EXPECT_NEAR(unchanged, 100, 45) << "a quarter draws no change, few changes do nothing";
}

}  // namespace
}  // namespace fovea
