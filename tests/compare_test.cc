// The yardsticks of the other tests must not be blind to NaN.
#include "tests/compare.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <limits>

namespace fovea {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Compare, TellsTheLargestDifference) {
  EXPECT_EQ(relative_error(Array({2}, {1, 4}), Array({2}, {1, 4})), 0);
  EXPECT_EQ(relative_error(Array({2}, {1, 3}), Array({2}, {1, -4})), 7.0 / 4);
  EXPECT_EQ(relative_error(Array({2}, {0, 2}), Array({2}, {0, 0})), 2);
}

TEST(Compare, TellsTheLowestCosine) {
  EXPECT_EQ(lowest_cosine(Array({2, 2}, {1, 0, 0, 1}), Array({2, 2}, {2, 0, 0, -3})), -1);
}

TEST(Compare, WhatIsNotFiniteFails) {
  for (const float odd : {kNan, kInfinity, -kInfinity}) {
    static Array got, want;  // the macro's statement sees no locals
    static double error, likeness;
    got = Array({1, 2}, {1, odd});
    want = Array({1, 2}, {1, 2});
    EXPECT_NONFATAL_FAILURE(error = relative_error(got, want), "what was computed[1] is");
    EXPECT_NONFATAL_FAILURE(likeness = lowest_cosine(got, want), "what was computed[1] is");
    EXPECT_EQ(error, kInfinity);
    EXPECT_EQ(likeness, -kInfinity);
    EXPECT_NONFATAL_FAILURE(error = relative_error(want, got), "what was wanted[1] is");
    EXPECT_EQ(error, kInfinity);
  }
}

TEST(Compare, AnotherSizeFails) {
  EXPECT_NONFATAL_FAILURE(relative_error(Array({1}, {1}), Array({2}, {1, 2})), "data.size()");
}

}  // namespace
}  // namespace fovea
