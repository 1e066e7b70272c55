// Biases of attention by rows and by columns apart (Segment Anything), for the kernels.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/backend/windows.h"

namespace fovea {

// Where the tokens of a batch stand, as kernels::DecomposedBias knows it. What it was made of must
// outlive it.
class DecomposedPlaces {
 public:
  // Nothing where there is no such bias. lanes: of a vector.
  DecomposedPlaces(const Sequences& first, const TokenState& state, const CpuDecomposed* tables,
                   bool pads, int64_t lanes);

  int64_t entries() const { return tables_ ? tables_->rows + tables_->columns : 0; }
  // Whether one more key stands for the cells that pad a sequence.
  bool is_padded(int64_t sequence) const {
    return pads_ && window_of(sequence).is_padded(state_.window);
  }
  kernels::DecomposedBias of(int64_t sequence) const;
  // Of a sequence that is a whole grid the token of each cell, row by row; else empty: keys stay in
  // their order.
  std::span<const int32_t> order(int64_t sequence) const;

 private:
  Window window_of(int64_t sequence) const;

  const Sequences& first_;
  const TokenState& state_;
  const CpuDecomposed* tables_;
  bool pads_;
  bool is_grid_ = false;        // all sequences are whole grids
  std::vector<int32_t> y_, x_;  // of all rows, from the first cell of their window or image
  std::vector<int32_t> order_;  // of whole grids
  std::vector<kernels::KeyRun> runs_;
  std::vector<int32_t> first_run_;  // of each sequence
};

// Keys and values of one head are copied to `space`, which must hold (tokens + 1) * (width +
// value_width) floats: with those of padding behind them, or in another order.
void add_padding_key(const float* key, const float* value, float* space, kernels::Attention& a);
void reorder_keys(std::span<const int32_t> order, float* space, kernels::Attention& a);

}  // namespace fovea
