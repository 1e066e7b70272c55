#include "fovea/segment/rle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using Mask = std::vector<uint8_t>;

Mask random_mask(int height, int width, uint32_t seed, uint32_t of_eight) {
  std::mt19937 random(seed);
  Mask mask(size_t{1} * height * width);
  for (uint8_t& pixel : mask) pixel = random() % 8 < of_eight ? 1 : 0;
  return mask;
}

TEST(Rle, CountsColumnByColumnZerosFirst) {
  const Mask mask = {0, 1, 1,  //
                     0, 0, 1};
  EXPECT_THAT(encode_rle(mask, 2, 3).counts, ElementsAre(2, 1, 1, 2));
  const Mask first = {7, 1, 0,  //
                      1, 0, 0};
  EXPECT_THAT(encode_rle(first, 2, 3).counts, ElementsAre(0, 3, 3));
  EXPECT_THAT(encode_rle(Mask(6), 2, 3).counts, ElementsAre(6));
  EXPECT_THAT(encode_rle(Mask(6, 1), 2, 3).counts, ElementsAre(0, 6));
}

TEST(Rle, ComesBackFromCountsAndFromTheString) {
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 9}, {9, 1}, {70, 130}, {131, 67}}) {
    for (uint32_t of_eight = 0; of_eight <= 8; of_eight += 2) {
      const Mask mask = random_mask(height, width, of_eight + height, of_eight);
      const Rle rle = encode_rle(mask, height, width);
      EXPECT_EQ(decode_rle(rle), mask);
      EXPECT_EQ(rle_of_compressed(compressed_counts(rle), height, width).counts, rle.counts);
      EXPECT_EQ(area_of(rle), std::count(mask.begin(), mask.end(), 1));
    }
  }
}

// What pycocotools 2.0.11 makes of an ellipse and of a checkerboard.
TEST(Rle, IsPycocotools) {
  constexpr int kHeight = 40;
  constexpr int kWidth = 60;
  Mask ellipse;
  Mask checks;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const double u = (x - 27.5) / 20;
      const double v = (y - 18.0) / 13;
      ellipse.push_back(u * u + v * v < 1 ? 1 : 0);
      checks.push_back((x / 7 + y / 5) % 2 == 0 ? 1 : 0);
    }
  }
  const Rle a = encode_rle(ellipse, kHeight, kWidth);
  const Rle b = encode_rle(checks, kHeight, kWidth);
  EXPECT_EQ(compressed_counts(a),
            "`:5Q14L4M2N2O0O2N2O0O2O000O2O000000000000000000000000000001N10001N101N2N101N2N3L4Lb>");
  EXPECT_THAT(compressed_counts(b),
              StartsWith("0550000000000000000000000000000000000000000000000000000050K0000"));
  EXPECT_EQ(area_of(a), 812);
  EXPECT_EQ(area_of(b), 1200);
  EXPECT_THAT(box_of(a), ElementsAre(8, 6, 40, 25));
  EXPECT_DOUBLE_EQ(intersection_over_union(a, b), 0.25280199252801994);
  EXPECT_DOUBLE_EQ(intersection_over_union(a, b, true), 0.5);
}

// One rectangle within a picture, whose numbers need several groups of bits.
TEST(Rle, MeasuresABox) {
  Mask mask(size_t{1} * 300 * 400);
  for (int y = 20; y < 290; ++y) {
    for (int x = 33; x < 390; ++x) mask[y * 400 + x] = 1;
  }
  const Rle rle = encode_rle(mask, 300, 400);
  EXPECT_THAT(box_of(rle), ElementsAre(33, 20, 357, 270));
  EXPECT_EQ(area_of(rle), 357 * 270);
  EXPECT_EQ(rle_of_compressed(compressed_counts(rle), 300, 400).counts, rle.counts);
}

TEST(Rle, BoxesReachOverRunsOfSeveralColumns) {
  const Mask mask = {0, 0, 1, 0,  //
                     0, 0, 0, 0,  //
                     0, 1, 0, 0};
  EXPECT_THAT(encode_rle(mask, 3, 4).counts, ElementsAre(5, 2, 5));  // one run, two columns
  EXPECT_THAT(box_of(encode_rle(mask, 3, 4)), ElementsAre(1, 0, 2, 3));
  EXPECT_THAT(box_of(encode_rle(Mask(12), 3, 4)), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(box_of(encode_rle(Mask(12, 1), 3, 4)), ElementsAre(0, 0, 4, 3));
}

TEST(Rle, OverlapsAsTheMasksDo) {
  const Mask a = random_mask(40, 50, 1, 4);
  const Mask b = random_mask(40, 50, 2, 6);
  int64_t both = 0;
  int64_t any = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    both += a[i] & b[i];
    any += a[i] | b[i];
  }
  const Rle rle_a = encode_rle(a, 40, 50);
  const Rle rle_b = encode_rle(b, 40, 50);
  EXPECT_EQ(overlap(rle_a, rle_b), both);
  EXPECT_DOUBLE_EQ(intersection_over_union(rle_a, rle_b), static_cast<double>(both) / any);
  EXPECT_DOUBLE_EQ(intersection_over_union(rle_a, rle_b, true),
                   static_cast<double>(both) / area_of(rle_a));
  EXPECT_EQ(intersection_over_union(rle_a, rle_a), 1);
  const Rle none = encode_rle(Mask(2000), 40, 50);
  EXPECT_EQ(intersection_over_union(none, none), 0);
  EXPECT_EQ(intersection_over_union(rle_a, none), 0);
}

TEST(Rle, MasksOfOtherSizesHaveNoOverlap) {
  const Rle wide = encode_rle(Mask(6, 1), 2, 3);
  const Rle high = encode_rle(Mask(6, 1), 3, 2);
  EXPECT_THAT(error_of([&] { overlap(wide, high); }), HasSubstr("2 x 3 and 3 x 2"));
}

TEST(Rle, StringsFromOutsideAreChecked) {
  const auto error = [](std::string_view text) {
    return error_of([&] { rle_of_compressed(text, 2, 3); });
  };
  EXPECT_EQ(error("6"), "");
  EXPECT_THAT(error("5"), StartsWith("run lengths of 5 pixels for a mask of 2 x 3"));
  EXPECT_THAT(error(""), StartsWith("run lengths of 0 pixels"));
  EXPECT_THAT(error("6!"), HasSubstr("the character !; expected 0 to o"));
  EXPECT_THAT(error("6p"), HasSubstr("the character p"));
  EXPECT_THAT(error("X"), HasSubstr("ends within a number"));
  EXPECT_THAT(error("oooooooooooo0"), HasSubstr("too large"));
  EXPECT_THAT(error("O"), HasSubstr("one of -1"));
  EXPECT_THAT(error_of([] { rle_of_counts({1, 4}, 2, 3); }), StartsWith("run lengths of 5 pixels"));
  EXPECT_THAT(error_of([] { rle_of_counts({}, 0, 3); }), StartsWith("a mask of 0 x 3 pixels"));
  EXPECT_THAT(error_of([] { rle_of_counts({}, 70'000, 70'000); }), HasSubstr("at most 4294967295"));
}

TEST(RleBuilder, TakesAsManyRowsAsThereAre) {
  RleBuilder builder(2, 3);
  const Mask row = {0, 1, 0};
  builder.add_row(row.data());
  EXPECT_THAT(error_of([&] { builder.finish(); }), StartsWith("1 of 2 rows"));
  builder.add_row(row.data());
  EXPECT_THAT(builder.finish().counts, ElementsAre(2, 2, 2));
  EXPECT_THAT(error_of([&] { builder.add_row(row.data()); }), StartsWith("a row more than the 2"));
}

}  // namespace
}  // namespace fovea
