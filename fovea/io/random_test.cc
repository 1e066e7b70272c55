#include "fovea/io/random.h"

#include <gtest/gtest.h>

#include <set>

namespace fovea {
namespace {

// Training that is repeated elsewhere must draw the same; these are splitmix64's own numbers.
TEST(RandomNumbers, AreThoseOfSplitmix64) {
  uint64_t state = 1234567;
  EXPECT_EQ(next_random(state), 6457827717110365317U);
  EXPECT_EQ(next_random(state), 3203168211198807973U);
  EXPECT_EQ(next_random(state), 9817491932198370423U);
}

TEST(RandomNumbers, AreSpreadOverTheirRange) {
  Random random(5);
  double sum = 0;
  double normal = 0;
  double squares = 0;
  std::set<int64_t> seen;
  for (int i = 0; i < 10'000; ++i) {
    const double x = random.uniform();
    ASSERT_TRUE(x >= 0 && x < 1);
    sum += x;
    const double y = random.normal();
    normal += y;
    squares += y * y;
    seen.insert(random.below(7));
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
  EXPECT_NEAR(normal / 10'000, 0, 0.05);
  EXPECT_NEAR(squares / 10'000, 1, 0.06);
  EXPECT_EQ(seen, (std::set<int64_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(RandomNumbers, DifferWithEveryWordOfTheSeed) {
  std::set<double> first;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    for (uint64_t epoch = 0; epoch < 5; ++epoch) {
      for (uint64_t picture = 0; picture < 5; ++picture) {
        first.insert(Random({seed, epoch, picture}).uniform());
      }
    }
  }
  EXPECT_EQ(first.size(), 125U);
}

}  // namespace
}  // namespace fovea
