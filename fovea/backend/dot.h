// The product of two rows of numbers on the host.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>

namespace fovea {

// Several sums side by side, which the compiler turns into vectors.
inline float dot(const float* a, const float* b, int64_t width) {
  constexpr int64_t kSums = 16;
  std::array<float, kSums> sums = {};
  const int64_t whole = width / kSums * kSums;
  for (int64_t i = 0; i < whole; i += kSums) {
    for (int64_t j = 0; j < kSums; ++j) sums[j] += a[i + j] * b[i + j];
  }
  const float rest = std::inner_product(a + whole, a + width, b + whole, 0.0F);
  return std::accumulate(sums.begin(), sums.end(), rest);
}

}  // namespace fovea
