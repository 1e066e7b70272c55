// Likeness of two features on the host, for matchings that compare any token with any other.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "fovea/backend/kinds.h"
#include "fovea/io/array.h"

namespace fovea {

// Features of tokens in host memory: [rows, width].
struct Features {
  explicit Features(Array array)
      : values(std::move(array)), width(static_cast<size_t>(values.shape.at(1))) {}
  std::span<float> row(int32_t i) { return {values.data.data() + i * width, width}; }
  std::span<const float> row(int32_t i) const { return {values.data.data() + i * width, width}; }
  Array values;
  size_t width;
};

// Readies a feature for `similarity`: gives it length 1 where the distance is cosine.
void prepare(std::span<float> feature, Distance distance);

// Of two prepared features; larger is more similar. Cosine, dot or euclidean.
float similarity(std::span<const float> a, std::span<const float> b, Distance distance);

}  // namespace fovea
