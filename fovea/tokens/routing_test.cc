#include "fovea/tokens/routing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace fovea {
namespace {

using testing::ElementsAre;

TEST(SelectedPatches, RoundsHalfToEvenAndKeepsOne) {
  EXPECT_EQ(selected_patches(0.25, 196), 49);
  EXPECT_EQ(selected_patches(0.25, 10), 2);  // 2.5
  EXPECT_EQ(selected_patches(0.25, 14), 4);  // 3.5
  EXPECT_EQ(selected_patches(0.5, 7), 4);    // 3.5
  EXPECT_EQ(selected_patches(0.25, 1), 1);
  EXPECT_EQ(selected_patches(1e-9, 196), 1);
  EXPECT_EQ(selected_patches(1, 196), 196);
}

TEST(SelectTokens, TakesTheBestInOrderOfTheSequence) {
  const std::vector<float> scores = {1, 0.1F, 0.9F, 0.3F, 0.8F};
  const Route route = select_tokens({0, 5}, scores, 1, 0.5);
  EXPECT_THAT(route.first, ElementsAre(0, 3));
  EXPECT_THAT(route.rows, ElementsAre(0, 2, 4));
}

TEST(SelectTokens, TiesGoToTheLowerIndexAndNanComesLast) {
  const std::vector<float> ties(9, 0.5F);
  EXPECT_THAT(select_tokens({0, 9}, ties, 1, 0.5).rows, ElementsAre(0, 1, 2, 3, 4));
  const std::vector<float> broken = {NAN, NAN, 0.1F, NAN, 0.2F};
  EXPECT_THAT(select_tokens({0, 5}, broken, 1, 0.5).rows, ElementsAre(0, 2, 4));
  EXPECT_THAT(select_tokens({0, 5}, broken, 1, 0.75).rows, ElementsAre(0, 1, 2, 4));
}

// What holds of every route: count, order, who is in it, and nobody outside is better.
TEST(SelectTokens, HoldsForRandomScores) {
  std::mt19937 generator(1);
  std::uniform_int_distribution<int> few(0, 5);  // many ties
  for (int round = 0; round < 200; ++round) {
    const int prefix = round % 3;
    const double keep_ratio = (1 + round % 20) / 20.0;
    const Sequences sequences = {0, prefix + 17, 2 * prefix + 17 + 1 + round % 30};
    std::vector<float> scores(sequences.back());
    for (float& score : scores) score = static_cast<float>(few(generator));
    const Route route = select_tokens(sequences, scores, prefix, keep_ratio);
    ASSERT_EQ(route.first.size(), 3U);
    ASSERT_EQ(route.first.back(), static_cast<int>(route.rows.size()));
    EXPECT_TRUE(std::is_sorted(route.rows.begin(), route.rows.end()));
    for (int image = 0; image < 2; ++image) {
      const std::vector<int32_t> rows(route.rows.begin() + route.first[image],
                                      route.rows.begin() + route.first[image + 1]);
      const int patches = sequences[image + 1] - sequences[image] - prefix;
      EXPECT_EQ(static_cast<int>(rows.size()), prefix + selected_patches(keep_ratio, patches));
      const auto is_in = [&](int32_t row) {
        return std::find(rows.begin(), rows.end(), row) != rows.end();
      };
      for (int i = 0; i < prefix; ++i) EXPECT_TRUE(is_in(sequences[image] + i));
      for (int32_t in = sequences[image] + prefix; in < sequences[image + 1]; ++in) {
        for (int32_t out = sequences[image] + prefix; out < sequences[image + 1]; ++out) {
          if (!is_in(in) || is_in(out)) continue;
          EXPECT_TRUE(scores[in] > scores[out] || (scores[in] == scores[out] && in < out));
        }
      }
    }
  }
}

TEST(SpreadScores, SelectTokensEvenlySpread) {
  const Sequences two = {0, 9, 18};
  const Route route = select_tokens(two, spread_scores(two, 1, 0.25), 1, 0.25);
  EXPECT_THAT(route.first, ElementsAre(0, 3, 6));
  EXPECT_THAT(route.rows, ElementsAre(0, 3, 7, 9, 12, 16));
  EXPECT_THAT(spread_scores({0, 6}, 2, 1), ElementsAre(0, 0, 1, 1, 1, 1));
}

TEST(Follow, AMergedTokenIsSelectedIfAnyPartWas) {
  // Two images of 5 tokens. Of the first 1 and 3 merge, and 2 and 4; of the second 2 is dropped.
  const Plan plan{{0, 3, 7}, {0, 1, 2, 1, 2, 3, 4, -1, 5, 6}, {}, {}};
  const Route route = follow({{0, 3, 6}, {0, 1, 3, 5, 7, 9}}, plan);
  EXPECT_THAT(route.first, ElementsAre(0, 2, 4));
  EXPECT_THAT(route.rows, ElementsAre(0, 1, 3, 6));
  EXPECT_THAT(follow({{0, 2, 3}, {0, 4, 5}}, plan).rows, ElementsAre(0, 2, 3));
}

TEST(Undo, TellsWhereReorderedRowsWere) {
  const Route order{{0, 2, 4, 6}, {3, 0, 2, 1, 5, 4}};
  const Route route{{0, 2, 3}, {0, 4, 5}};
  const Route moved = reorder(route, order);
  EXPECT_THAT(moved.rows, ElementsAre(1, 4, 5));
  EXPECT_THAT(moved.first, ElementsAre(0, 1, 1, 3));
  EXPECT_THAT(undo(moved, order).rows, ElementsAre(0, 4, 5));
  EXPECT_THAT(undo({{0, 2}, {2, 3}}, order).rows, ElementsAre(1, 2));
}

TEST(PositionsOf, CountsInEachSequence) {
  const IntArray positions = positions_of({{0, 2, 4}, {0, 3, 5, 7}}, {0, 5, 10});
  EXPECT_EQ(positions.shape, (Shape{2, 2}));
  EXPECT_THAT(positions.data, ElementsAre(0, 3, 0, 2));
}

}  // namespace
}  // namespace fovea
