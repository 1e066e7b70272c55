#include "fovea/segment/suppression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Suppress, TheBestOfThoseThatCoverTheSameStays) {
  // The second covers 8 of 10 parts of the first, the third less than 0.7 of either.
  const std::vector<Box> boxes = {{0, 0, 10, 10}, {0, 2, 10, 10}, {0, 5, 10, 10}};
  const std::vector<float> scores = {0.9F, 0.95F, 0.8F};
  EXPECT_THAT(suppress(boxes, scores, 0.7), ElementsAre(1, 2));
  EXPECT_THAT(suppress(boxes, scores, 0.8), ElementsAre(1, 0, 2));  // more than it, not as much
  EXPECT_THAT(suppress(boxes, scores, 0.4), ElementsAre(1));
  EXPECT_THAT(suppress({}, {}, 0.7), IsEmpty());
}

TEST(Suppress, OneThatIsGoneTakesNoOtherWithIt) {
  const std::vector<Box> boxes = {{0, 0, 10, 10}, {1, 0, 11, 10}, {2, 0, 12, 10}};
  const std::vector<float> scores = {0.9F, 0.8F, 0.7F};
  EXPECT_THAT(suppress(boxes, scores, 0.7), ElementsAre(0, 2));
}

TEST(Suppress, EqualScoresStayInTheirOrder) {
  const std::vector<Box> boxes = {{0, 0, 1, 1}, {5, 5, 6, 6}, {0, 0, 1, 1}};
  EXPECT_THAT(suppress(boxes, std::vector<float>(3, 0.5F), 0.7), ElementsAre(0, 1));
}

// As in torchvision, whose intersection over union is then no number.
TEST(Suppress, BoxesWithoutAreaStay) {
  const std::vector<Box> boxes = {{3, 3, 3, 9}, {3, 3, 3, 9}};
  EXPECT_THAT(suppress(boxes, std::vector<float>(2, 0.5F), 0.7), ElementsAre(0, 1));
}

}  // namespace
}  // namespace fovea
