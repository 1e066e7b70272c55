// The search for the most similar token at every level this machine has, against plain loops.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/backend/cpu/arena.h"
#include "fovea/backend/cpu/kernels/testing.h"

namespace fovea::kernels {
namespace {

class MatchTest : public LevelTest {};

double plain_similarity(const Match& m, int64_t i, int64_t j) {
  const float* a = m.a + i * m.width;
  const auto dot = [&](int64_t column) {
    return std::inner_product(a, a + m.width, m.b + column * m.width, 0.0);
  };
  if (m.similarity == Similarity::euclidean) {
    double squares = 0;
    for (int64_t c = 0; c < m.width; ++c) squares += std::pow(a[c] - m.b[j * m.width + c], 2);
    return -std::sqrt(squares);
  }
  if (m.similarity == Similarity::dot) return dot(j);
  double sum = 0;
  for (int64_t other = 0; other < m.columns; ++other) sum += std::exp(dot(other));
  return std::exp(dot(j)) / sum;
}

TEST_P(MatchTest, MatchFindsTheMostSimilar) {
  for (const Similarity similarity :
       {Similarity::dot, Similarity::euclidean, Similarity::softmax}) {
    for (const int64_t columns : {1, 2, 16, 17, 45}) {
      for (const int64_t allowed : {0, 1, 3}) {
        if (allowed >= columns) continue;
        const int64_t rows = 19, width = 13;
        const std::vector<float> a = random_floats(rows * width, 1);
        const std::vector<float> b = random_floats(columns * width, 2);
        std::vector<float> best(rows);
        std::vector<int32_t> column(rows);
        const std::shared_ptr<float[]> scratch = allocate_floats(match_scratch(t, columns, width));
        const Match m{a.data(), b.data(),   rows,        columns,      width,
                      allowed,  similarity, best.data(), column.data()};
        t.match(m, scratch.get());
        for (int64_t i = 0; i < rows; ++i) {
          int64_t want = allowed;
          for (int64_t j = allowed; j < columns; ++j) {
            if (plain_similarity(m, i, j) > plain_similarity(m, i, want)) want = j;
          }
          ASSERT_EQ(column[i], want) << columns << ' ' << allowed;
          ASSERT_NEAR(best[i], plain_similarity(m, i, want), 1e-5);
        }
      }
    }
  }
}

TEST_P(MatchTest, MatchTakesTheLowerColumnOnTiesAndAnAllowedOneForNan) {
  const int64_t columns = 40, width = 4;
  const std::vector<float> a = {1, 1, 1, 1, NAN, 1, 1, 1};
  const std::vector<float> b(columns * width, 0.5F);
  std::vector<float> best(2);
  std::vector<int32_t> column(2);
  const std::shared_ptr<float[]> scratch = allocate_floats(match_scratch(t, columns, width));
  for (const Similarity similarity :
       {Similarity::dot, Similarity::euclidean, Similarity::softmax}) {
    t.match({a.data(), b.data(), 2, columns, width, 3, similarity, best.data(), column.data()},
            scratch.get());
    EXPECT_EQ(column[0], 3);
    EXPECT_EQ(column[1], 3);
    EXPECT_TRUE(std::isfinite(best[0]));
    EXPECT_EQ(best[1], -INFINITY);  // or it would merge before all others
  }
}

TEST_P(MatchTest, KeepsToWhatEachRowMayGoToAndWeighsPairs) {
  for (const int64_t columns : {1, 2, 16, 17, 45, 130}) {
    const int64_t rows = columns, width = 13;
    const std::vector<float> a = random_floats(rows * width, 1);
    const std::vector<float> b = random_floats(columns * width, 2);
    const std::vector<float> weights = random_floats(rows * columns, 3, 0.5F, 2);
    std::vector<int32_t> allowed;  // rising, the last row alone
    std::vector<const float*> factors;
    for (int64_t i = 0; i < rows; ++i) {
      allowed.push_back(static_cast<int32_t>(i + 1));
      factors.push_back(weights.data() + i * columns);
    }
    std::vector<float> best(rows);
    std::vector<int32_t> column(rows);
    const std::shared_ptr<float[]> scratch = allocate_floats(match_scratch(t, columns, width));
    Match m{a.data(), b.data(), rows, columns, width};
    m.best = best.data();
    m.best_column = column.data();
    m.allowed = allowed.data();
    m.factors = factors.data();
    t.match(m, scratch.get());
    for (int64_t i = 0; i + 1 < rows; ++i) {
      int64_t want = -1;
      double most = -INFINITY;
      for (int64_t j = i + 1; j < columns; ++j) {
        const double score = (plain_similarity(m, i, j) - 1) * weights[i * columns + j];
        if (score > most) want = j;
        most = std::max(most, score);
      }
      ASSERT_EQ(column[i], want) << columns << ' ' << i;
      ASSERT_NEAR(best[i], most, 1e-5);
    }
    EXPECT_EQ(best[rows - 1], -INFINITY);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, MatchTest, testing::ValuesIn(known_levels()),
                         [](const auto& info) { return to_string(info.param); });

}  // namespace
}  // namespace fovea::kernels
