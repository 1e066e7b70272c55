// A batch of inputs, the same for all backends.
#pragma once

#include <cstdint>
#include <vector>

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

// Of a batch of pictures [B, channels, rows, columns], videos [B, channels, frames, rows, columns]
// or spectrograms [B, rows, columns], those from `begin` to before `end`.
inline Input input_of(const Array& batch, int64_t begin, int64_t end) {
  const size_t rank = batch.shape.size();
  const auto extent = [&](size_t axis) { return static_cast<int>(batch.shape[axis]); };
  Input input{batch.data.data(), end - begin, rank == 3 ? 1 : extent(1),
              Grid(rank == 5 ? extent(2) : 1, extent(rank - 2), extent(rank - 1))};
  input.data += begin * input.each();
  return input;
}
inline Input input_of(const Array& batch) { return input_of(batch, 0, batch.shape[0]); }

// The same with rows and columns changed for each other; its values, if there are any, are put into
// `memory`, which must outlive it.
inline Input transposed(const Input& input, std::vector<float>& memory) {
  const auto& [frames, rows, columns] = input.grid;
  Input turned{nullptr, input.batch, input.channels, Grid(frames, columns, rows)};
  if (input.data == nullptr) return turned;
  const int64_t planes = input.batch * input.channels * frames;
  memory.reserve(planes * input.grid.frame_size());
  for (int64_t plane = 0; plane < planes; ++plane) {
    const float* from = input.data + plane * input.grid.frame_size();
    for (int column = 0; column < columns; ++column) {
      for (int64_t row = 0; row < rows; ++row) memory.push_back(from[row * columns + column]);
    }
  }
  turned.data = memory.data();
  return turned;
}

}  // namespace fovea
