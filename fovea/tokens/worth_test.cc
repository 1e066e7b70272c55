#include "fovea/tokens/worth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "fovea/io/random.h"

namespace fovea {
namespace {

using testing::ElementsAre;

TEST(Order, KeepsEqualsAndTakesNaNForTheLeast) {
  const std::vector<float> scores = {0.0F, 2, NAN, -0.0F, -1, 2, -INFINITY, INFINITY};
  EXPECT_THAT(rising(scores), ElementsAre(2, 6, 4, 0, 3, 1, 5, 7));
  EXPECT_THAT(falling(scores), ElementsAre(7, 1, 5, 0, 3, 4, 2, 6));
  EXPECT_THAT(rising({}), ElementsAre());
}

TEST(Order, IsThatOfAStableSort) {
  Random random(1);
  std::vector<float> scores(500);
  for (float& score : scores) score = static_cast<float>(random.below(40)) / 7 - 2;
  std::vector<int32_t> up(scores.size());
  std::iota(up.begin(), up.end(), 0);
  std::vector<int32_t> down = up;
  std::stable_sort(up.begin(), up.end(), [&](int i, int j) { return scores[i] < scores[j]; });
  std::stable_sort(down.begin(), down.end(), [&](int i, int j) { return scores[i] > scores[j]; });
  EXPECT_EQ(rising(scores), up);
  EXPECT_EQ(falling(scores), down);
}

}  // namespace
}  // namespace fovea
