#include "fovea/report/accuracy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kLabels = {"tench, Tinca tinca", "Goldfish", "great white shark",
                                          "crane, machine", "crane, bird"};

TEST(MatchClasses, ByAnyNameOfALabel) {
  const ClassMatch match =
      match_classes({"GREAT_WHITE_shark", "goldfish ", "tinca tinca"}, kLabels, 5);
  EXPECT_TRUE(match.by_label);
  EXPECT_THAT(match.classes, ElementsAre(2, 1, 0));
  EXPECT_THAT(match_classes({"tench, Tinca tinca", "bird"}, kLabels, 5).classes, ElementsAre(0, 4));
}

TEST(MatchClasses, ByTheExactNameBeforeAFoldedOne) {
  const std::vector<std::string> labels = {"a", "A", "b, x", "B"};
  const ClassMatch match = match_classes({"A", "B", "a", "b"}, labels, 4);
  EXPECT_TRUE(match.by_label);
  EXPECT_THAT(match.classes, ElementsAre(1, 3, 0, 2));
  EXPECT_THAT(match_classes({"X", "a"}, labels, 4).classes, ElementsAre(2, 0));
}

TEST(MatchClasses, BySortedOrderWhereNoNameIsALabel) {
  const ClassMatch match = match_classes({"a", "b", "c", "d", "e"}, kLabels, 5);
  EXPECT_FALSE(match.by_label);
  EXPECT_THAT(match.classes, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(match_classes({"x", "y"}, {}, 2).classes, ElementsAre(0, 1));
}

TEST(MatchClasses, RefusesWhatIsNotClear) {
  const auto error = [](const std::vector<std::string>& folders) {
    return error_of([&] { match_classes(folders, kLabels, 5); });
  };
  EXPECT_THAT(error({"goldfish", "cat"}), HasSubstr("class folder cat: none of"));
  EXPECT_THAT(error({"goldfish", "crane"}), HasSubstr("class folder crane: none of"));
  EXPECT_THAT(error({"tench", "tinca tinca"}), HasSubstr("tench and tinca tinca mean the same"));
  EXPECT_THAT(error({"a", "b"}), HasSubstr("2 class folders, none of them"));
}

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

}  // namespace
}  // namespace fovea
