// Helpers for the tests of matchings: random features, and what holds of every plan.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "fovea/backend/kinds.h"
#include "fovea/io/array.h"
#include "fovea/tokens/plans.h"
#include "fovea/tokens/sources.h"

namespace fovea {

inline Array random_rows(int64_t rows, int64_t width, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  Array array({rows, width});
  for (float& value : array.data) value = distribution(generator);
  return array;
}

// Cosine, dot product or negative distance of two vectors, in double precision.
inline double plain_similarity(const std::vector<double>& a, const std::vector<double>& b,
                               Distance distance) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  double apart = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
    apart += (a[i] - b[i]) * (a[i] - b[i]);
  }
  if (distance == Distance::euclidean) return -std::sqrt(apart);
  return distance == Distance::dot ? ab : ab / std::sqrt(aa * bb);
}

inline std::vector<double> plain_row(const Array& rows, int64_t i) {
  const int64_t width = rows.shape[1];
  return {rows.data.begin() + i * width, rows.data.begin() + (i + 1) * width};
}

// Every image loses as many tokens as it is to, protected tokens stay alone and first, and each
// size is the number of positions whose source it is.
inline void expect_valid(const Plan& plan, const Sequences& sequences, int protected_tokens,
                         const std::vector<int>& taken, bool drops = false) {
  Sources sources(sequences);
  sources.apply(plan);
  const std::vector<float> sizes = merge_sizes(std::vector<float>(sequences.back(), 1.0F), plan);
  ASSERT_EQ(plan.first.size(), sequences.size());
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const int tokens = sequences[image + 1] - sequences[image];
    const int left = plan.first[image + 1] - plan.first[image];
    EXPECT_EQ(tokens - left, taken[image]);
    std::vector<float> counted(left);
    int dropped = 0;
    for (const int32_t token : sources.of(image)) {
      if (token < 0) {
        ++dropped;
      } else {
        ++counted.at(token);
      }
    }
    EXPECT_EQ(dropped, drops ? taken[image] : 0);
    for (int i = 0; i < left; ++i) EXPECT_EQ(counted[i], sizes[plan.first[image] + i]);
    for (int i = 0; i < protected_tokens; ++i) {
      EXPECT_EQ(sources.of(image)[i], i);
      EXPECT_EQ(counted.at(i), 1);
    }
  }
}

}  // namespace fovea
