#include "fovea/report/average_precision.h"

#include <gtest/gtest.h>

#include <array>

namespace fovea {
namespace {

// The numbers are scikit-learn 1.9.1's.
TEST(AveragePrecision, IsScikitLearns) {
  const std::array<float, 7> scores = {0.9F, 0.8F, 0.8F, 0.7F, 0.4F, 0.4F, 0.1F};
  EXPECT_NEAR(average_precision(scores, {true, false, true, false, true, true, false}), 0.75,
              1e-12);
  EXPECT_EQ(average_precision(scores, std::vector<bool>(7, true)), 1);
  EXPECT_EQ(average_precision(scores, std::vector<bool>(7, false)), 0);
}

TEST(AveragePrecision, IsMeanOverClassesThatAreRight) {
  ClassRanking ranking(4);
  EXPECT_EQ(ranking.mean_average_precision(), 0);
  ranking.add(std::array<float, 4>{3, 1, 0, 2}, std::array{0, 3});
  ranking.add(std::array<float, 4>{1, 2, 0, 2}, std::array{1, 3});
  ranking.add(std::array<float, 4>{2, 2, 1, 5}, std::array{0, 1});
  ranking.add(std::array<float, 4>{0, 4, 1, 5}, std::array{3});
  ranking.add(std::array<float, 4>{5, 0, 2, 1}, std::array{1, 3});
  EXPECT_NEAR(ranking.mean_average_precision(), 64.25925925925925, 1e-10);
}

}  // namespace
}  // namespace fovea
