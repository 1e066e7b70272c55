#include "fovea/tokens/prune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fovea/tokens/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;

TEST(PruneLeast, DropsWhatHasTheLeastAttentionAndEqualOnesInOrder) {
  const std::vector<float> attention = {0.0F, 0.3F, 0.1F, 0.1F, 0.5F, 0.0F, 0.2F, 0.1F, 0.4F};
  const Leaders leaders = prune_least({0, 5, 9}, 1, {2, 1}, attention);
  EXPECT_THAT(leaders, ElementsAre(0, 1, -1, -1, 4, 5, 6, -1, 8));
  const Plan plan = plan_of({0, 5, 9}, leaders);
  EXPECT_THAT(plan.first, ElementsAre(0, 3, 6));
  EXPECT_THAT(plan.target, ElementsAre(0, 1, -1, -1, 2, 3, 4, -1, 5));
  EXPECT_THAT(plan.members, ElementsAre(0, 1, 4, 5, 6, 8));
  expect_valid(plan, {0, 5, 9}, 1, {2, 1}, true);
}

TEST(PruneLeast, DropsFirstWhatIsNaN) {
  std::vector<float> attention(100);
  for (size_t i = 0; i < attention.size(); ++i) {
    attention[i] = i % 2 == 0 ? NAN : static_cast<float>(i);
  }
  const Leaders leaders = prune_least({0, 100}, 0, {52}, attention);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(leaders[i] < 0, i % 2 == 0 || i < 4) << i;
}

TEST(PruneAtRandom, DependsOnSeedLayerAndCountOnly) {
  const Sequences sequences = {0, 30, 60, 75};
  const std::vector<int> taken = {10, 10, 14};
  const Leaders leaders = prune_at_random(sequences, 1, taken, {.seed = 7, .layer = 3});
  expect_valid(plan_of(sequences, leaders), sequences, 1, taken, true);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(leaders[i] < 0, leaders[30 + i] < 0);
  const Leaders alone = prune_at_random({0, 30}, 1, {10}, {.seed = 7, .layer = 3});
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), leaders.begin()));
  EXPECT_NE(alone, prune_at_random({0, 30}, 1, {10}, {.seed = 8, .layer = 3}));
  EXPECT_NE(alone, prune_at_random({0, 30}, 1, {10}, {.seed = 7, .layer = 4}));
}

TEST(RandomOrder, IsAPermutationAndDrawsAllAlike) {
  std::vector<int> at_first(8);
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    std::vector<int32_t> order = random_order(8, {.seed = seed});
    ++at_first[order[0]];
    std::sort(order.begin(), order.end());
    EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  }
  for (const int count : at_first) EXPECT_NEAR(count, 500, 110);
  EXPECT_TRUE(random_order(0, {}).empty());
}

}  // namespace
}  // namespace fovea
