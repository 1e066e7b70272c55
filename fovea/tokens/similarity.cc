#include "fovea/tokens/similarity.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

namespace fovea {

void prepare(std::span<float> feature, Distance distance) {
  if (distance != Distance::cosine) return;
  const float squares = std::inner_product(feature.begin(), feature.end(), feature.begin(), 0.0F);
  const float length = std::max(std::sqrt(squares), std::numeric_limits<float>::min());
  for (float& value : feature) value /= length;
}

float similarity(std::span<const float> a, std::span<const float> b, Distance distance) {
  if (distance != Distance::euclidean) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0F);
  }
  float squares = 0;
  for (size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return -std::sqrt(squares);
}

}  // namespace fovea
