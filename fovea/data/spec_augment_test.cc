#include "fovea/data/spec_augment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace fovea {
namespace {

// 6 frames of 4 mel bins, of mean 0 and deviation 1/2: normalising changes nothing.
constexpr SoundPreprocessing kSpec = {.frames = 6, .filters = 4, .mean = 0, .std = 0.5F};

std::vector<float> counted(int64_t frames) {
  std::vector<float> values(frames * kSpec.filters);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 1 + static_cast<float>(i);
  return values;
}

std::vector<float> augmented(const std::vector<float>& frames, const SoundAugmentation& how,
                             uint64_t seed, const SoundPreprocessing& spec = kSpec) {
  std::vector<float> out(spec.frames * spec.filters, -1);
  Random random({seed});
  augment_sound(frames, spec, how, random, out);
  return out;
}

TEST(SpecAugment, MasksAreOfEveryWidthAndPlaceInside) {
  Random random({1});
  std::set<std::pair<int64_t, int64_t>> seen;
  for (int i = 0; i < 2000; ++i) {
    const MaskBand band = draw_mask(6, 3, random);
    ASSERT_LE(0, band.begin);
    ASSERT_LE(band.begin, band.end);
    ASSERT_LE(band.end, 6);
    ASSERT_LE(band.end - band.begin, 3);
    seen.insert({band.begin, band.end});
  }
  EXPECT_EQ(seen.size(), 7U + 6 + 5 + 4) << "of widths 0 to 3";
  for (int i = 0; i < 100; ++i) EXPECT_LE(draw_mask(6, 100, random).end, 6) << "wider than all";
}

TEST(SpecAugment, WithoutChangesASoundIsWhatEvaluationSees) {
  std::vector<float> want = counted(6);
  EXPECT_EQ(augmented(counted(6), {}, 1), want);
  want.assign(24, 0);
  const std::vector<float> shorter = counted(4);
  std::copy(shorter.begin(), shorter.end(), want.begin());
  EXPECT_EQ(augmented(shorter, {}, 1), want) << "padded behind";
  const SoundPreprocessing spec = {.frames = 6, .filters = 4, .mean = 2, .std = 4};
  EXPECT_EQ(augmented(shorter, {}, 1, spec)[5], (6 - 2) / 8.0F);
  EXPECT_EQ(augmented(shorter, {}, 1, spec)[23], (0 - 2) / 8.0F) << "padded before normalising";
}

TEST(SpecAugment, WindowsBeginAnywhereInALongerSound) {
  std::set<float> firsts;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const std::vector<float> window = augmented(counted(9), {}, seed);
    for (int i = 0; i < 24; ++i) ASSERT_EQ(window[i], window[0] + static_cast<float>(i));
    firsts.insert(window[0]);
  }
  EXPECT_EQ(firsts, (std::set<float>{1, 5, 9, 13}));
}

TEST(SpecAugment, MasksBecomeTheMeanAndNothingElseChanges) {
  const std::vector<float> sound = counted(6);
  std::set<std::pair<int, int>> sizes;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const std::vector<float> masked = augmented(sound, {.time_mask = 3, .freq_mask = 2}, seed);
    std::set<int> rows, columns;  // that are masked as a whole
    for (int row = 0; row < 6; ++row) {
      int zeros = 0;
      for (int column = 0; column < 4; ++column) zeros += masked[row * 4 + column] == 0 ? 1 : 0;
      if (zeros == 4) rows.insert(row);
    }
    for (int column = 0; column < 4; ++column) {
      int zeros = 0;
      for (int row = 0; row < 6; ++row) zeros += masked[row * 4 + column] == 0 ? 1 : 0;
      if (zeros == 6) columns.insert(column);
    }
    for (int i = 0; i < 24; ++i) {
      const bool is_masked = rows.contains(i / 4) || columns.contains(i % 4);
      ASSERT_EQ(masked[i], is_masked ? 0 : sound[i]);
    }
    ASSERT_LE(rows.size(), 3U);
    ASSERT_LE(columns.size(), 2U);
    if (!rows.empty()) {
      ASSERT_EQ(*rows.rbegin() - *rows.begin() + 1, static_cast<int>(rows.size()));
    }
    sizes.insert({static_cast<int>(rows.size()), static_cast<int>(columns.size())});
  }
  EXPECT_EQ(sizes.size(), 4U * 3);
}

TEST(SpecAugment, MovesRollOver) {
  std::vector<float> values = counted(6);
  roll_rows(values, 4, 1);
  EXPECT_EQ(values[0], 21) << "the last frame comes first";
  EXPECT_EQ(values[4], 1);
  roll_rows(values, 4, -7);
  EXPECT_EQ(values, counted(6));
  std::set<float> firsts;
  for (uint64_t seed = 0; seed < 200; ++seed)
    firsts.insert(augmented(counted(6), {.shift = 1}, seed)[0]);
  EXPECT_EQ(firsts, (std::set<float>{1, 5, 21}));
}

TEST(SpecAugment, DecibelsAreAddedToLogarithmsOfPower) {
  double most = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<float> louder = augmented(counted(4), {.gain = 10}, seed);
    const double change = louder[0] - 1;
    for (int i = 0; i < 16; ++i) ASSERT_NEAR(louder[i] - 1 - static_cast<double>(i), change, 1e-5);
    ASSERT_EQ(louder[20], 0) << "what pads it stays";
    most = std::max(most, std::abs(change));
  }
  EXPECT_LE(most, std::log(10.0) + 1e-6);
  EXPECT_GT(most, 0.9 * std::log(10.0));
  std::vector<float> quiet(24, std::log(1.1920929e-07F));
  for (uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_GE(augmented(quiet, {.gain = 10}, seed)[0], quiet[0]) << "no filter hears less";
}

}  // namespace
}  // namespace fovea
