// Biases of attention by relative position (BEiT's, and Segment Anything's by rows and columns
// apart), for the grid of patches that an input has.
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

// A table [n, d] of biases along one axis with `count` rows: linear, with half-pixel centres and
// not antialiased.
Array resample_table(const Array& table, int64_t count);

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
    if (!B::kComputes || grid == grid_) return own_;
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

template <Backend B>
class DecomposedBiases {
 public:
  using Decomposed = std::shared_ptr<const typename B::Decomposed>;

  // grid: that the tables are made for, of windows those themselves.
  DecomposedBiases(B& b, Weight rows, Weight columns, const Grid& grid)
      : rows_(rows.values),
        columns_(columns.values),
        grid_(grid),
        own_(std::make_shared<const typename B::Decomposed>(b.make_decomposed(rows, columns))) {}

  Decomposed of(B& b, const Grid& grid) const {
    if (!B::kComputes || grid == grid_) return own_;
    return cache_.get(grid, [&] {
      return std::make_shared<const typename B::Decomposed>(
          b.make_decomposed({resample_table(rows_, 2 * int64_t{grid.rows} - 1)},
                            {resample_table(columns_, 2 * int64_t{grid.columns} - 1)}));
    });
  }
  Decomposed own() const { return own_; }

 private:
  static constexpr size_t kMostGrids = 8;

  Array rows_, columns_;
  Grid grid_;
  Decomposed own_;
  mutable Recent<Grid, Decomposed> cache_{kMostGrids};
};

}  // namespace fovea
