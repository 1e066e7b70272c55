#include "fovea/tokens/amount.h"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(Amount, NumbersAreTheSameOfAnyImage) {
  EXPECT_EQ(Amount(13).of(196), 13);
  EXPECT_EQ(Amount(13).of(5), 13);
}

TEST(Amount, SharesGoToTheNearestWholeNumber) {
  EXPECT_EQ(Amount::percent(8).of(196), 16);     // 15.68
  EXPECT_EQ(Amount::percent(8).of(180), 14);     // 14.4
  EXPECT_EQ(Amount::percent(12.5).of(196), 25);  // 24.5
  EXPECT_EQ(Amount::percent(8).of(6), 0);
}

TEST(Amount, SharesAreCutAtHalf) {
  EXPECT_EQ(Amount::percent(50).of(196), 98);
  EXPECT_EQ(Amount::percent(50).of(7), 3);  // 3.5
  EXPECT_EQ(Amount::percent(50).of(1), 0);
  EXPECT_EQ(Amount::percent(50).of(0), 0);
}

TEST(Amount, IsPrintedAsTyped) {
  EXPECT_EQ(to_string(Amount(13)), "13");
  EXPECT_EQ(to_string(Amount::percent(8)), "8%");
  EXPECT_EQ(to_string(Amount::percent(12.5)), "12.5%");
}

}  // namespace
}  // namespace fovea
