// A batch of inputs, the same for all backends.
#pragma once

#include <cstdint>

#include "fovea/backend/grid.h"
#include "fovea/io/array.h"

namespace fovea {

// Normalised pixels [batch, channels, frames, rows, columns], row-major; the memory is the
// caller's.
struct Input {
  const float* data = nullptr;
  int64_t batch = 0;
  int channels = 3;
  Grid grid;

  int64_t each() const { return channels * grid.size(); }  // values of one
};

// Of a batch of pictures, [B, channels, rows, columns], those from `begin` to before `end`.
inline Input input_of(const Array& pictures, int64_t begin, int64_t end) {
  const Shape& s = pictures.shape;
  const auto extent = [&](int axis) { return static_cast<int>(s[axis]); };
  return {pictures.data.data() + begin * s[1] * s[2] * s[3],
          end - begin,
          extent(1),
          {extent(2), extent(3)}};
}
inline Input input_of(const Array& pictures) { return input_of(pictures, 0, pictures.shape[0]); }

}  // namespace fovea
