// Biases of attention by relative position (BEiT), for the grid of patches that an input has.
#pragma once

#include <memory>
#include <utility>

#include "fovea/backend/backend.h"
#include "fovea/backend/grid.h"
#include "fovea/model/recent.h"

namespace fovea {

// A table [(2 h - 1) (2 w - 1) + 3, heads] made for another grid, as transformers resamples it:
// each head's part for patches bilinear, with half-pixel centres and not antialiased; the last
// three rows stay.
Array resample_biases(const Array& table, const Grid& from, const Grid& to);

template <Backend B>
class RelativeBiases {
 public:
  using Relative = std::shared_ptr<const typename B::Relative>;

  // grid: that the table is made for.
  RelativeBiases(B& b, Weight table, const Grid& grid)
      : table_(table.values),
        grid_(grid),
        own_(std::make_shared<const typename B::Relative>(b.make_relative(table, grid))) {}

  Relative of(B& b, const Grid& grid) const {
    if (grid == grid_) return own_;
    return cache_.get(grid, [&] {
      return std::make_shared<const typename B::Relative>(
          b.make_relative({resample_biases(table_, grid_, grid)}, grid));
    });
  }

 private:
  static constexpr size_t kMostGrids = 8;

  Array table_;
  Grid grid_;
  Relative own_;
  mutable Recent<Grid, Relative> cache_{kMostGrids};
};

}  // namespace fovea
