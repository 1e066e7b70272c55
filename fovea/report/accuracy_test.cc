#include "fovea/report/accuracy.h"

#include <gtest/gtest.h>

#include <array>

namespace fovea {
namespace {

TEST(Accuracy, CountsTheHighestAndTheFiveHighest) {
  Accuracy accuracy;
  EXPECT_EQ(accuracy.top1(), 0);
  const std::array<float, 7> scores = {1, 7, 3, 7, 5, 2, 6};
  for (int right = 0; right < 7; ++right) accuracy.add(scores, right);
  EXPECT_EQ(accuracy.images, 7);
  EXPECT_EQ(accuracy.first, 1) << "of equal scores the lower class is the answer";
  EXPECT_EQ(accuracy.among_five, 5);
  EXPECT_DOUBLE_EQ(accuracy.top1(), 100.0 / 7);
  EXPECT_DOUBLE_EQ(accuracy.top5(), 500.0 / 7);
}

TEST(Accuracy, OfVotesCountsNoneThatNobodyGave) {
  Accuracy accuracy;
  const std::array<float, 3> votes = {0, 2, 0};
  for (int right = 0; right < 3; ++right) accuracy.add_votes(votes, right);
  EXPECT_EQ(accuracy.images, 3);
  EXPECT_EQ(accuracy.first, 1);
  EXPECT_EQ(accuracy.among_five, 1);
}

TEST(Accuracy, OfSeveralLabelsCountsTheHighest) {
  Accuracy accuracy;
  const std::array<float, 7> scores = {7, 6, 5, 4, 3, 2, 1};
  accuracy.add(scores, std::array{3, 0});
  accuracy.add(scores, std::array{4, 6});
  accuracy.add(scores, std::array{5, 6});
  EXPECT_EQ(accuracy.images, 3);
  EXPECT_EQ(accuracy.first, 1);
  EXPECT_EQ(accuracy.among_five, 2);
}

}  // namespace
}  // namespace fovea
