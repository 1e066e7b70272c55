#include "fovea/tokens/partitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "fovea/tokens/plans.h"

namespace fovea {
namespace {

using testing::ElementsAre;

TEST(Alternate, SplitsByPositionAndLeavesOutTheProtected) {
  const Partition p = alternate({0, 7, 12}, 2);
  EXPECT_THAT(p.a, ElementsAre(2, 4, 6, 9, 11));
  EXPECT_THAT(p.a_first, ElementsAre(0, 3, 5));
  EXPECT_THAT(p.b, ElementsAre(1, 3, 5, 8, 10));
  EXPECT_THAT(p.b_first, ElementsAre(0, 3, 5));
  EXPECT_THAT(p.b_protected, ElementsAre(1, 1));
}

TEST(Alternate, ProtectsAnyNumber) {
  const Partition p = alternate({0, 9}, 5);
  EXPECT_THAT(p.a, ElementsAre(6, 8));
  EXPECT_THAT(p.b, ElementsAre(1, 3, 5, 7));
  EXPECT_THAT(p.b_protected, ElementsAre(2));
}

TEST(Halve, GivesTheOddOneToB) {
  const Partition p = halve({0, 7, 13}, 2);
  EXPECT_THAT(p.a, ElementsAre(2, 3, 9, 10));
  EXPECT_THAT(p.a_first, ElementsAre(0, 2, 4));
  EXPECT_THAT(p.b, ElementsAre(4, 5, 6, 11, 12));
  EXPECT_THAT(p.b_first, ElementsAre(0, 3, 5));
  EXPECT_THAT(p.b_protected, ElementsAre(0, 0));
}

TEST(DrawPartition, SplitsWhatIsNotProtected) {
  const Partition p = draw_partition({0, 12, 30}, 1, {4, 5}, {.seed = 3});
  EXPECT_THAT(p.a_first, ElementsAre(0, 4, 9));
  EXPECT_THAT(p.b_first, ElementsAre(0, 7, 19));
  std::vector<int32_t> all = p.a;
  all.insert(all.end(), p.b.begin(), p.b.end());
  std::sort(all.begin(), all.end());
  std::vector<int32_t> want(30);
  std::iota(want.begin(), want.end(), 0);
  std::erase_if(want, [](int32_t row) { return row == 0 || row == 12; });
  EXPECT_EQ(all, want);
  EXPECT_TRUE(std::is_sorted(p.a.begin(), p.a.end()));
  EXPECT_TRUE(std::is_sorted(p.b.begin(), p.b.end()));
  EXPECT_NE(p.a, draw_partition({0, 12, 30}, 1, {4, 5}, {.seed = 4}).a);
  EXPECT_EQ(draw_half({0, 12, 30}, 1, {}).a_first, (std::vector<int32_t>{0, 5, 13}));
}

TEST(EveryKth, LeavesWhatIsLeftOverAlone) {
  const Partition p = every_kth({0, 9, 13}, 1, 3);
  EXPECT_THAT(p.a, ElementsAre(1, 2, 4, 5, 10, 11));
  EXPECT_THAT(p.b, ElementsAre(3, 6, 12));
  // Token 4 merges into 3; 7 and 8 are left over and stay last.
  const Plan plan = merge_all({0, 9, 13}, p, {{1, 1, 1, 1, 1, 1}, {3, 6, 3, 6, 12, 12}});
  EXPECT_THAT(plan.first, ElementsAre(0, 5, 7));
  EXPECT_THAT(plan.target, ElementsAre(0, 1, 2, 1, 1, 2, 2, 3, 4, 5, 6, 6, 6));
  EXPECT_THAT(plan.members, ElementsAre(0, 3, 1, 4, 6, 2, 5, 7, 8, 9, 12, 10, 11));
  EXPECT_THAT(every_kth({0, 9}, 1, 1).a, testing::IsEmpty());
}

}  // namespace
}  // namespace fovea
