#include "fovea/tokens/gram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fovea/io/random.h"

namespace fovea {
namespace {

// A' A of rows without a mean, the i-th of which are `decay`^i as long.
Array gram_of(int width, int count, double decay) {
  Random random(1);
  Array gram({width, width});
  for (int i = 0; i < count; ++i) {
    std::vector<double> row;
    double mean = 0;
    for (int c = 0; c < width; ++c) row.push_back(random.normal() * std::pow(decay, i));
    for (const double value : row) mean += value / width;
    for (int c = 0; c < width; ++c) {
      for (int d = 0; d < width; ++d) {
        gram.data[c * width + d] += static_cast<float>((row[c] - mean) * (row[d] - mean));
      }
    }
  }
  return gram;
}

Array times(const Array& rows, const Array& gram) {
  const int64_t width = gram.shape[0];
  Array out(rows.shape);
  for (int64_t i = 0; i < rows.shape[0]; ++i) {
    for (int64_t c = 0; c < width; ++c) {
      double sum = 0;
      for (int64_t d = 0; d < width; ++d) {
        sum += double{rows.data[i * width + d]} * gram.data[d * width + c];
      }
      out.data[i * width + c] = static_cast<float>(sum);
    }
  }
  return out;
}

// How far P' P is from a matrix, in the norm of its entries, of that of the matrix.
double distance(const Array& gram, int channels) {
  const auto width = static_cast<int>(gram.shape[0]);
  const Array p =
      factor_gram(width, channels, [&](const Array& rows) { return times(rows, gram); });
  double apart = 0;
  double whole = 0;
  for (int c = 0; c < width; ++c) {
    for (int d = 0; d < width; ++d) {
      double sum = 0;
      for (int64_t i = 0; i < p.shape[0]; ++i) {
        sum += double{p.data[i * width + c]} * p.data[i * width + d];
      }
      apart += std::pow(sum - gram.data[c * width + d], 2);
      whole += std::pow(gram.data[c * width + d], 2);
    }
  }
  return std::sqrt(apart / whole);
}

TEST(FactorGram, IsExactWithAllChannels) { EXPECT_LT(distance(gram_of(24, 60, 0.95), 1024), 1e-4); }

TEST(FactorGram, KeepsWhatIsLargeWithFew) {
  const Array gram = gram_of(40, 40, 0.7);
  // What the best approximation of so many channels leaves out is about 0.49^8 and 0.49^16.
  EXPECT_LT(distance(gram, 8), 0.02);
  EXPECT_LT(distance(gram, 16), 1e-3);
}

TEST(FactorGram, ManagesAMatrixOfLowerRank) { EXPECT_LT(distance(gram_of(24, 3, 1), 1024), 1e-3); }

TEST(FactorGram, GivesNumbersForAMatrixOfZeros) {
  const Array zeros({6, 6});
  const Array p = factor_gram(6, 3, [&](const Array& rows) { return times(rows, zeros); });
  for (const float value : p.data) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace fovea
