// Plain arrays in host memory, row-major: what goes into and comes out of the library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/api.h"

namespace fovea {

using Shape = std::vector<int64_t>;

// Number of elements of a shape; 1 for a scalar.
inline int64_t elements(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

// The same for a shape that came from outside: nothing when an extent is negative or the number of
// elements times 8 bytes overflows (extents of 0 count as 1, so that no part of the product can).
FOVEA_API std::optional<int64_t> checked_elements(const Shape& shape);

// "[2, 3, 224, 224]", for messages.
FOVEA_API std::string to_string(const Shape& shape);

template <typename T>
struct BasicArray {
  Shape shape;
  std::vector<T> data;

  BasicArray() = default;
  explicit BasicArray(Shape extents)
      : shape(std::move(extents)), data(static_cast<size_t>(elements(shape))) {}
  BasicArray(Shape extents, std::vector<T> values)
      : shape(std::move(extents)), data(std::move(values)) {}
  bool empty() const { return data.empty(); }
};

using Array = BasicArray<float>;
using IntArray = BasicArray<int32_t>;

}  // namespace fovea
