#include "fovea/report/neighbours.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <span>

#include "fovea/io/testing.h"
#include "fovea/report/accuracy.h"

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

// The classes of DINO's knn_classifier (eval_knn.py), the surest first, step by step: the k largest
// products of normalised features, each of which adds e^(product / 0.07) to its class.
std::vector<int> dinos_predictions(const std::vector<double>& cosines, const std::vector<int>& of,
                                   int classes, int k, std::vector<double>& votes) {
  std::vector<int> near(cosines.size());
  std::iota(near.begin(), near.end(), 0);
  std::sort(near.begin(), near.end(), [&](int a, int b) { return cosines[a] > cosines[b]; });
  votes.assign(classes, 0);
  for (int n = 0; n < k; ++n) votes[of[near[n]]] += std::exp(cosines[near[n]] / 0.07);
  std::vector<int> predictions(classes);
  std::iota(predictions.begin(), predictions.end(), 0);
  std::stable_sort(predictions.begin(), predictions.end(),
                   [&](int a, int b) { return votes[a] > votes[b]; });
  return predictions;
}

// The same top-1; the same top-5 but for classes that nobody voted for.
TEST(Neighbours, JudgeAsDinosEvaluationDoes) {
  constexpr int kKnown = 240;
  constexpr int kAsked = 60;
  constexpr int kClasses = 40;
  constexpr int64_t kWidth = 8;
  const Array known = random_rows(kKnown, kWidth, 3);
  const Array asked = random_rows(kAsked, kWidth, 4);
  std::vector<int> classes;
  for (int i = 0; i < kKnown; ++i) classes.push_back(i * 7 % kClasses);
  int hits = 0;
  for (const int k : {1, 3, 10, 20, 100, 200}) {
    Neighbours neighbours(known, classes, kClasses, k, 1);
    const Array votes = neighbours.votes(asked);
    Accuracy accuracy;
    int first = 0;
    int among_five = 0;
    for (int i = 0; i < kAsked; ++i) {
      std::vector<double> cosines;
      for (int j = 0; j < kKnown; ++j) {
        cosines.push_back(plain_cosine(&asked.data[i * kWidth], &known.data[j * kWidth], kWidth));
      }
      const int right = i % kClasses;
      std::vector<double> plain;
      const std::vector<int> predictions = dinos_predictions(cosines, classes, kClasses, k, plain);
      first += predictions[0] == right ? 1 : 0;
      const auto five = predictions.begin() + std::min(5, k);
      const bool is_hit = std::find(predictions.begin(), five, right) != five;
      among_five += is_hit && plain[right] > 0 ? 1 : 0;
      accuracy.add_votes(std::span(votes.data).subspan(i * kClasses, kClasses), right);
    }
    EXPECT_EQ(accuracy.images, kAsked);
    EXPECT_EQ(accuracy.first, first) << k;
    EXPECT_EQ(accuracy.among_five, among_five) << k;
    hits += among_five;
  }
  EXPECT_GT(hits, 0);
}

TEST(Neighbours, NeedAsManyAsVote) {
  EXPECT_THAT(error_of([] {
                Neighbours(random_rows(3, 4, 1), {0, 1, 0}, 2, 4, 1);
              }),
              testing::HasSubstr("4 neighbours of 3 known pictures"));
}

}  // namespace
}  // namespace fovea
