#include "fovea/tokens/places.h"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(Places, GoRowByRowBehindThePrefix) {
  const std::vector<Place> places = places_of({0, 7, 14}, 1, {2, 3});
  for (int image = 0; image < 2; ++image) {
    for (int i = 0; i < 6; ++i) {
      EXPECT_EQ(places[image * 7 + 1 + i].y, i / 3);
      EXPECT_EQ(places[image * 7 + 1 + i].x, i % 3);
    }
  }
  EXPECT_ANY_THROW(places_of({0, 8}, 1, {2, 3}));
}

TEST(Places, OfMergedTokensAreMeansBySizeOrTheFirsts) {
  const std::vector<Place> places = {{}, {0, 0}, {0, 1}, {4, 1}};
  const std::vector<float> sizes = {1, 1, 3, 1};
  const Plan plan{{0, 3}, {0, 1, 2, 2}, {0, 1, 2, 4}, {0, 1, 3, 2}};
  const std::vector<Place> mean = merge_places(places, sizes, plan, Carry::mean);
  ASSERT_EQ(mean.size(), 3U);
  EXPECT_EQ(mean[2].y, 1);
  EXPECT_EQ(mean[2].x, 1);
  const std::vector<Place> first = merge_places(places, sizes, plan, Carry::first);
  EXPECT_EQ(first[2].y, 4);
  EXPECT_EQ(first[2].x, 1);
  EXPECT_EQ(first[1].x, 0);
}

TEST(Places, AreKeptByTokensThatDontMerge) {
  const Plan plan{{0, 3}, {0, 1, 2, 2}, {0, 1, 2, 4}, {0, 1, 3, 2}};
  EXPECT_EQ(unmoved({}, plan), (std::vector<int32_t>{0, 1, -1}));
  const Plan next{{0, 2}, {-1, 0, 1}, {0, 1, 2}, {1, 2}};
  EXPECT_EQ(unmoved(unmoved({}, plan), next), (std::vector<int32_t>{1, -1}));
}

}  // namespace
}  // namespace fovea
