// Where a place of the input lies, in channels: sines and cosines of random frequencies.
#pragma once

#include <cstdint>
#include <utility>

#include "fovea/backend/grid.h"
#include "fovea/io/array.h"

namespace fovea {

class PositionCode {
 public:
  PositionCode() = default;
  // frequencies: [2 (x, y), C / 2]; without values (backend/shapes) codes are left 0.
  explicit PositionCode(Array frequencies) : frequencies_(std::move(frequencies)) {}

  int64_t channels() const { return 2 * frequencies_.shape.at(1); }
  // The code of a place, [C]; x and y are shares of the input's sides.
  void write(double x, double y, float* out) const;
  // Of the middles of a grid's cells, row by row: [rows * columns, C].
  Array of(const Grid& grid) const;

 private:
  Array frequencies_;
};

}  // namespace fovea
