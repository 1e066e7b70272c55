#include "fovea/segment/polygon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace fovea {
namespace {

using testing::ElementsAre;

std::vector<uint32_t> counts_of(const std::vector<double>& corners, int height, int width) {
  return mask_of_polygon(corners, height, width).counts;
}

TEST(PolygonTest, FillsARectangleOfWholePixels) {
  // Columns 2 to 4, rows 1 to 3, of 6 x 8.
  const Rle mask = mask_of_polygon(std::array{2.0, 1.0, 5.0, 1.0, 5.0, 4.0, 2.0, 4.0}, 6, 8);
  EXPECT_EQ(mask.height, 6);
  EXPECT_EQ(mask.width, 8);
  EXPECT_EQ(area_of(mask), 9);
  EXPECT_THAT(box_of(mask), ElementsAre(2, 1, 3, 3));
}

// What pycocotools' frPyObjects gives for them.
TEST(PolygonTest, IsCocos) {
  EXPECT_THAT(counts_of({1.3, 1.2, 7.1, 2.4, 4.4, 8.6}, 9, 10),
              ElementsAre(19, 3, 7, 4, 5, 6, 3, 4, 5, 2, 32));
  EXPECT_THAT(counts_of({-2.5, 3.1, 4.2, -1.7, 11.6, 5.5, 6.3, 12.2, 2.8, 6.1}, 9, 10),
              ElementsAre(1, 4, 4, 5, 4, 6, 3, 7, 2, 18, 1, 8, 2, 7, 2, 7, 3, 5, 1));
  EXPECT_THAT(counts_of({2, 2, 8, 2, 8, 2, 5, 7.5, 2, 2}, 9, 10),
              ElementsAre(20, 1, 8, 3, 6, 5, 4, 5, 4, 3, 6, 1, 24));
}

TEST(PolygonTest, DoesNotCareForTheDirection) {
  EXPECT_EQ(counts_of({1.3, 1.2, 7.1, 2.4, 4.4, 8.6}, 9, 9),
            counts_of({4.4, 8.6, 7.1, 2.4, 1.3, 1.2}, 9, 9));
}

TEST(PolygonTest, IsEmptyWithoutAnArea) {
  EXPECT_THAT(counts_of({2, 2, 2, 2, 2, 2}, 5, 5), ElementsAre(25));
}

TEST(PolygonTest, UnitesMasks) {
  const Rle a = mask_of_polygon(std::array{0.0, 0.0, 3.0, 0.0, 3.0, 3.0, 0.0, 3.0}, 8, 8);
  const Rle b = mask_of_polygon(std::array{2.0, 2.0, 6.0, 2.0, 6.0, 6.0, 2.0, 6.0}, 8, 8);
  const Rle both = united(std::array{a, b});
  EXPECT_EQ(area_of(both), 9 + 16 - 1);
  EXPECT_EQ(overlap(both, a), 9);
  EXPECT_EQ(overlap(both, b), 16);
  EXPECT_EQ(united(std::array{a}).counts, a.counts);
}

TEST(PolygonTest, UnitesMasksWithEmptyRuns) {
  const Rle a{2, 2, {0, 1, 0, 1, 2}};
  const Rle b{2, 2, {3, 1}};
  EXPECT_THAT(united(std::array{a, b}).counts, ElementsAre(0, 2, 1, 1));
}

}  // namespace
}  // namespace fovea
