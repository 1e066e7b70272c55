#include "fovea/tokens/greedy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/tokens/testing.h"

namespace fovea {
namespace {

struct Group {
  std::vector<double> feature;
  double size;
  std::vector<int32_t> rows;
};

// The definition: look at all pairs, merge the best, again.
Leaders plainly(const Sequences& sequences, int protected_tokens, const std::vector<int>& taken,
                const Array& features, const std::vector<float>& sizes, Distance distance) {
  Leaders leaders = own_leaders(sequences);
  for (size_t image = 0; image < taken.size(); ++image) {
    std::vector<Group> groups;
    for (int32_t row = sequences[image] + protected_tokens; row < sequences[image + 1]; ++row) {
      groups.push_back({plain_row(features, row), sizes[row], {row}});
    }
    for (int step = 0; step < taken[image]; ++step) {
      size_t best_i = 0;
      size_t best_j = 1;
      for (size_t i = 0; i < groups.size(); ++i) {
        for (size_t j = i + 1; j < groups.size(); ++j) {
          if (plain_similarity(groups[i].feature, groups[j].feature, distance) >
              plain_similarity(groups[best_i].feature, groups[best_j].feature, distance)) {
            best_i = i;
            best_j = j;
          }
        }
      }
      Group& to = groups[best_i];
      const Group from = groups[best_j];
      for (size_t c = 0; c < to.feature.size(); ++c) {
        to.feature[c] =
            (to.feature[c] * to.size + from.feature[c] * from.size) / (to.size + from.size);
      }
      to.size += from.size;
      to.rows.insert(to.rows.end(), from.rows.begin(), from.rows.end());
      groups.erase(groups.begin() + static_cast<int64_t>(best_j));
    }
    for (const Group& group : groups) {
      for (const int32_t row : group.rows) leaders[row] = group.rows[0];
    }
  }
  return leaders;
}

TEST(Greedy, IsThePlainAlgorithm) {
  const Sequences sequences = {0, 23, 30, 63};
  for (const Distance distance : {Distance::cosine, Distance::dot, Distance::euclidean}) {
    for (const int protected_tokens : {0, 1, 5}) {
      for (uint32_t seed = 0; seed < 5; ++seed) {
        const Array features = random_rows(63, 6, seed);
        std::vector<float> sizes(63);
        for (size_t i = 0; i < sizes.size(); ++i) sizes[i] = static_cast<float>(1 + i * 7 % 4);
        const std::vector<int> taken = {17, 1, 20};
        const Leaders leaders =
            match_greedily(sequences, protected_tokens, taken, Features(features), sizes, distance);
        EXPECT_EQ(leaders, plainly(sequences, protected_tokens, taken, features, sizes, distance));
        expect_valid(plan_of(sequences, leaders), sequences, protected_tokens, taken);
      }
    }
  }
}

TEST(Greedy, OfEqualPairsTheFirstMerges) {
  const Array features({5, 1}, {1, 1, 1, 1, 1});
  const std::vector<float> sizes(5, 1.0F);
  EXPECT_THAT(match_greedily({0, 5}, 1, {1}, Features(features), sizes, Distance::euclidean),
              testing::ElementsAre(0, 1, 1, 3, 4));
  EXPECT_THAT(match_greedily({0, 5}, 1, {3}, Features(features), sizes, Distance::euclidean),
              testing::ElementsAre(0, 1, 1, 1, 1));
}

TEST(Greedy, ZerosAreLikeNothing) {
  const Array features({4, 2}, {0, 0, 1, 0, 0, 0, 1, 0.1F});
  EXPECT_THAT(match_greedily({0, 4}, 0, {1}, Features(features), {1, 1, 1, 1}, Distance::cosine),
              testing::ElementsAre(0, 1, 2, 1));
}

}  // namespace
}  // namespace fovea
