// Windows of a grid of patches, which attention may stay within (Segment Anything). Plain host data
// that all backends read.
#pragma once

#include <algorithm>

#include "fovea/backend/grid.h"

namespace fovea {

// Where a window begins, and how many of its cells are patches: those at the right and below may
// have fewer than its side.
struct Window {
  int y = 0;
  int x = 0;
  int rows = 0;
  int columns = 0;

  bool is_padded(int side) const { return rows < side || columns < side; }
};

// Windows of side x side, row by row over the grid.
class Windows {
 public:
  Windows(const Grid& grid, int side)
      : grid_(grid), side_(side), columns_((grid.columns + side - 1) / side) {}

  int side() const { return side_; }
  int count() const { return (grid_.rows + side_ - 1) / side_ * columns_; }
  int full() const { return grid_.rows / side_ * (grid_.columns / side_); }
  int index_of(int y, int x) const { return y / side_ * columns_ + x / side_; }
  Window at(int index) const {
    const int y = index / columns_ * side_;
    const int x = index % columns_ * side_;
    return {y, x, std::min(side_, grid_.rows - y), std::min(side_, grid_.columns - x)};
  }

 private:
  Grid grid_;
  int side_;
  int columns_;
};

}  // namespace fovea
