#include "fovea/tokens/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/error.h"

namespace fovea {
namespace {

using testing::ElementsAre;

TEST(Sources, StartWithEveryPositionInItsOwnToken) {
  const Sources sources({0, 3, 5});
  EXPECT_EQ(sources.batch(), 2U);
  EXPECT_THAT(sources.of(0), ElementsAre(0, 1, 2));
  EXPECT_THAT(sources.of(1), ElementsAre(0, 1));
}

TEST(Sources, FollowMergesOneAfterTheOther) {
  Sources sources({0, 4, 7});
  sources.apply({{0, 3, 5}, {0, 1, 1, 2, 3, 4, 4}, {}, {}});
  EXPECT_THAT(sources.of(0), ElementsAre(0, 1, 1, 2));
  EXPECT_THAT(sources.of(1), ElementsAre(0, 1, 1));
  sources.apply({{0, 2, 3}, {1, 0, 0, 2, -1}, {}, {}});
  EXPECT_THAT(sources.of(0), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(sources.of(1), ElementsAre(0, -1, -1));
}

TEST(Unmerge, GivesEveryPositionItsTokensValue) {
  const Array tokens({1, 2, 2}, {1, 2, 3, 4});
  const IntArray source({1, 4}, {1, 0, -1, 1});
  const Array dense = unmerge(tokens, source);
  EXPECT_THAT(dense.shape, ElementsAre(1, 4, 2));
  EXPECT_THAT(dense.data, ElementsAre(3, 4, 1, 2, 0, 0, 3, 4));
}

TEST(Unmerge, NamesWhatDoesNotFit) {
  EXPECT_THROW(unmerge(Array({1, 2, 2}), IntArray({2, 4})), Error);
  EXPECT_THROW(unmerge(Array({1, 2, 2}), IntArray({1, 1}, {2})), Error);
}

}  // namespace
}  // namespace fovea
