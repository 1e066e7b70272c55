// Shapes as text, and counting elements without overflow.
#include "fovea/io/array.h"

#include <algorithm>
#include <limits>

namespace fovea {

std::optional<int64_t> checked_elements(const Shape& shape) {
  constexpr int64_t kLimit = std::numeric_limits<int64_t>::max() / 8;
  int64_t product = 1;  // of the extents that are not 0
  for (const int64_t extent : shape) {
    if (extent < 0 || extent > kLimit / product) return std::nullopt;
    product *= std::max<int64_t>(extent, 1);
  }
  return std::ranges::find(shape, 0) == shape.end() ? product : 0;
}

std::string to_string(const Shape& shape) {
  std::string text;
  for (const int64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

}  // namespace fovea
