#include "fovea/report/neighbours.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

Array random_rows(int64_t rows, int64_t width, uint32_t seed) {
  Array array({rows, width});
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  for (float& value : array.data) value = normal(generator);
  return array;
}

double plain_cosine(const float* a, const float* b, int64_t width) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (int64_t c = 0; c < width; ++c) {
    ab += static_cast<double>(a[c]) * b[c];
    aa += static_cast<double>(a[c]) * a[c];
    bb += static_cast<double>(b[c]) * b[c];
  }
  return ab / std::sqrt(aa * bb);
}

TEST(Neighbours, VoteAsPlainLoopsDo) {
  constexpr int kKnown = 61;
  constexpr int kNearest = 7;
  constexpr int64_t kWidth = 19;
  const Array known = random_rows(kKnown, kWidth, 1);
  const Array asked = random_rows(9, kWidth, 2);
  std::vector<int> classes;
  for (int i = 0; i < kKnown; ++i) classes.push_back(i * 5 % 4);
  Neighbours neighbours(known, classes, 4, kNearest, 2);
  const Array votes = neighbours.votes(asked);
  ASSERT_EQ(votes.shape, (Shape{9, 4}));
  for (int64_t i = 0; i < 9; ++i) {
    std::vector<std::pair<double, int>> near;
    for (int j = 0; j < kKnown; ++j) {
      near.emplace_back(plain_cosine(&asked.data[i * kWidth], &known.data[j * kWidth], kWidth),
                        classes[j]);
    }
    std::sort(near.rbegin(), near.rend());
    std::vector<double> want(4);
    for (int n = 0; n < kNearest; ++n) want[near[n].second] += std::exp(near[n].first / 0.07);
    for (int c = 0; c < 4; ++c) {
      EXPECT_NEAR(votes.data[i * 4 + c], want[c], 1e-4 * (1 + want[c])) << i << " " << c;
    }
  }
}

TEST(Neighbours, NeedAsManyAsVote) {
  EXPECT_THAT(error_of([] {
                Neighbours(random_rows(3, 4, 1), {0, 1, 0}, 2, 4, 1);
              }),
              testing::HasSubstr("4 neighbours of 3 known pictures"));
}

}  // namespace
}  // namespace fovea
