#include "fovea/tokens/matching.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>

#include "fovea/tokens/partitions.h"
#include "fovea/tokens/plans.h"
#include "fovea/tokens/sources.h"

namespace fovea {
namespace {

// The same r of all images.
Plan plan_of(const Sequences& sequences, const Partition& partition, const Edges& edges,
             const Amount& r, int protected_tokens, std::optional<float> threshold = {}) {
  const std::vector<Amount> amounts(sequences.size() - 1, r);
  return bipartite_plan(sequences, partition, edges, amounts, protected_tokens, threshold);
}

using testing::ElementsAre;

Edges random_edges(const Partition& p, uint32_t seed) {
  std::mt19937 generator(seed);
  Edges edges;
  for (size_t image = 0; image + 1 < p.a_first.size(); ++image) {
    const int32_t allowed = p.b_first[image] + p.b_protected[image];
    for (int32_t i = p.a_first[image]; i < p.a_first[image + 1]; ++i) {
      edges.score.push_back(static_cast<float>(generator() % 8));  // many ties
      edges.target.push_back(p.b[allowed + generator() % (p.b_first[image + 1] - allowed)]);
    }
  }
  return edges;
}

TEST(BipartitePlan, OrdersProtectedThenStayedThenB) {
  // Tokens 0..6, 0 protected: A 2 4 6, B 1 3 5. The edge of 4 is the strongest.
  const Partition p = alternate({0, 7}, 1);
  const Edges edges{{0.1F, 0.9F, 0.5F}, {3, 5, 1}};
  const Plan plan = plan_of({0, 7}, p, edges, 1, 1);
  EXPECT_THAT(plan.first, ElementsAre(0, 6));
  EXPECT_THAT(plan.target, ElementsAre(0, 3, 1, 4, 5, 5, 2));
  EXPECT_THAT(plan.member_begin, ElementsAre(0, 1, 2, 3, 4, 5, 7));
  EXPECT_THAT(plan.members, ElementsAre(0, 2, 6, 1, 3, 5, 4));
}

// NaN compares with nothing: sorted as it is, it leaves the order of all others to chance.
TEST(BipartitePlan, EdgesThatAreNaNAreTheWeakest) {
  constexpr int kTokens = 201;
  constexpr int kEdges = kTokens / 2;
  const Partition p = alternate({0, kTokens}, 1);
  Edges edges = random_edges(p, 1);
  ASSERT_EQ(edges.score.size(), static_cast<size_t>(kEdges));
  std::set<int32_t> strongest;
  for (int i = 0; i < kEdges; ++i) {
    edges.score[i] = i % 3 == 0 ? static_cast<float>(i) : NAN;
    if (i % 3 == 0) strongest.insert(p.a[i]);
  }
  const int r = static_cast<int>(strongest.size());
  const Plan plan = plan_of({0, kTokens}, p, edges, r, 1);
  for (int i = 0; i < kEdges; ++i) {
    const bool merged = plan.target[p.a[i]] == plan.target[edges.target[i]];
    EXPECT_EQ(merged, strongest.contains(p.a[i])) << i;
  }
}

TEST(BipartitePlan, WithoutProtectedTokensWhoStaysComesInFallingSimilarity) {
  const Partition p = alternate({0, 8}, 0);
  const Edges edges{{0.1F, 0.9F, 0.5F, 0.5F}, {1, 3, 5, 7}};
  const Plan plan = plan_of({0, 8}, p, edges, 1, 0);
  // A 0 2 4 6; 2 merges; then 4, 6 (a tie, in order), 0.
  EXPECT_EQ(plan.target[4], 0);
  EXPECT_EQ(plan.target[6], 1);
  EXPECT_EQ(plan.target[0], 2);
}

TEST(BipartitePlan, TiesKeepTheOrderOfTheirATokens) {
  const Partition p = alternate({0, 9}, 1);
  const Edges edges{{1, 1, 1, 1}, {1, 1, 3, 3}};
  const Plan plan = plan_of({0, 9}, p, edges, 2, 1);
  EXPECT_EQ(plan.target[2], plan.target[1]);
  EXPECT_EQ(plan.target[4], plan.target[1]);
  EXPECT_NE(plan.target[6], plan.target[3]);
}

TEST(BipartitePlan, HoldsItsInvariants) {
  for (const int protected_tokens : {0, 1, 2, 5}) {
    for (const int r : {0, 1, 3, 100}) {
      const Sequences sequences = {0, 21, 27, 46};
      const Partition p = alternate(sequences, protected_tokens);
      const Plan plan = plan_of(sequences, p, random_edges(p, 3), r, protected_tokens);
      std::vector<float> sizes(sequences.back(), 1.0F);
      Sources sources(sequences);
      sources.apply(plan);
      const std::vector<float> merged = merge_sizes(sizes, plan);
      for (int image = 0; image < 3; ++image) {
        const int tokens = sequences[image + 1] - sequences[image];
        const int left = plan.first[image + 1] - plan.first[image];
        EXPECT_EQ(tokens - left, std::min(r, (tokens - protected_tokens) / 2));
        // Sizes add up to the input tokens, and every position has one source that counts it.
        EXPECT_EQ(std::accumulate(merged.begin() + plan.first[image],
                                  merged.begin() + plan.first[image + 1], 0.0F),
                  static_cast<float>(tokens));
        std::vector<float> counted(left);
        for (const int32_t token : sources.of(image)) ++counted.at(token);
        EXPECT_TRUE(std::equal(counted.begin(), counted.end(), merged.begin() + plan.first[image]));
        for (int i = 0; i < protected_tokens; ++i) {
          EXPECT_EQ(sources.of(image)[i], i);
          EXPECT_EQ(counted[i], 1);
        }
      }
      std::vector<int32_t> members = plan.members;
      std::sort(members.begin(), members.end());
      std::vector<int32_t> all(sequences.back());
      std::iota(all.begin(), all.end(), 0);
      EXPECT_EQ(members, all);
    }
  }
}

TEST(BipartitePlan, AThresholdCutsWhatIsNotAlikeEnough) {
  // Two images: A 2 4 6 and 9 11 13, B 1 3 5 and 8 10 12.
  const Sequences sequences = {0, 7, 15};
  const Partition p = alternate(sequences, 1);
  const Edges edges{{0.5F, 0.9F, 0.6F, 0.1F, 0.2F, 0.55F}, {3, 5, 1, 8, 8, 8}};
  const auto left = [&](int r, float threshold) {
    return plan_of(sequences, p, edges, r, 1, threshold).first;
  };
  EXPECT_THAT(left(100, 0.5F), ElementsAre(0, 5, 12)) << "as alike as the threshold is not more";
  EXPECT_THAT(left(1, 0.5F), ElementsAre(0, 6, 13));
  EXPECT_THAT(left(100, 0.95F), ElementsAre(0, 7, 15));
  EXPECT_THAT(left(100, -1), ElementsAre(0, 4, 9));
}

TEST(BipartitePlan, NothingMergesAtZero) {
  const Partition p = alternate({0, 6}, 1);
  const Plan plan = plan_of({0, 6}, p, random_edges(p, 1), 0, 1);
  EXPECT_THAT(plan.first, ElementsAre(0, 6));
}

}  // namespace
}  // namespace fovea
