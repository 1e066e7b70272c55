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

// What is made of weights: for the grid that they are made for, and for others as they come.
template <class Value>
class PerGrid {
 public:
  PerGrid(const Grid& grid, Value own) : grid_(grid), own_(std::move(own)) {}

  template <class Make>
  Value of(const Grid& grid, const Make& make) const {
    return grid == grid_ ? own_ : others_.get(grid, make);
  }
  const Grid& grid() const { return grid_; }
  const Value& own() const { return own_; }

 private:
  static constexpr size_t kMostGrids = 8;

  Grid grid_;
  Value own_;
  mutable Recent<Grid, Value> others_{kMostGrids};
};

template <Backend B>
class RelativeBiases {
 public:
  using Relative = std::shared_ptr<const typename B::Relative>;

  // grid: that the table is made for.
  RelativeBiases(B& b, const Weight& table, const Grid& grid)
      : table_(table.values), made_(grid, make(b, table, grid)) {}

  Relative of(B& b, const Grid& grid) const {
    if (!B::kComputes) return made_.own();
    return made_.of(grid,
                    [&] { return make(b, {resample_biases(table_, made_.grid(), grid)}, grid); });
  }

 private:
  static Relative make(B& b, const Weight& table, const Grid& grid) {
    return std::make_shared<const typename B::Relative>(b.make_relative(table, grid));
  }

  Array table_;
  PerGrid<Relative> made_;
};

template <Backend B>
class DecomposedBiases {
 public:
  using Decomposed = std::shared_ptr<const typename B::Decomposed>;

  // grid: that the tables are made for; of layers with windows a window.
  DecomposedBiases(B& b, const Weight& rows, const Weight& columns, const Grid& grid)
      : rows_(rows.values), columns_(columns.values), made_(grid, make(b, rows, columns)) {}

  Decomposed of(B& b, const Grid& grid) const {
    if (!B::kComputes) return made_.own();
    return made_.of(grid, [&] {
      return make(b, {resample_table(rows_, 2 * int64_t{grid.rows} - 1)},
                  {resample_table(columns_, 2 * int64_t{grid.columns} - 1)});
    });
  }

 private:
  static Decomposed make(B& b, const Weight& rows, const Weight& columns) {
    return std::make_shared<const typename B::Decomposed>(b.make_decomposed(rows, columns));
  }

  Array rows_, columns_;
  PerGrid<Decomposed> made_;
};

}  // namespace fovea
