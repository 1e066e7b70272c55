#include "fovea/backend/cpu/decomposed.h"

#include <algorithm>

namespace fovea {
namespace {

// Rows [begin, end) of `table`, the last one first, behind those of `rows`.
void add_reversed(const Array& table, Array& rows) {
  const int64_t width = table.shape[1];
  for (int64_t i = table.shape[0]; i-- > 0;) {
    const auto row = table.data.begin() + i * width;
    rows.data.insert(rows.data.end(), row, row + width);
  }
  rows.shape[0] += table.shape[0];
}

// Tokens [begin, end) as runs, whose numbers count from `begin`.
void add_runs(std::span<const int32_t> y, std::span<const int32_t> x, int32_t begin, int32_t end,
              std::vector<kernels::KeyRun>& runs) {
  for (int32_t i = begin; i < end; ++i) {
    const bool follows = i > begin && y[i] == y[i - 1] && x[i] == x[i - 1] + 1;
    if (!follows) runs.push_back({i - begin, 0, y[i], x[i]});
    ++runs.back().count;
  }
}

void copy_rows(const float* from, int64_t stride, int64_t count, int64_t width, const float* last,
               float* to) {
  for (int64_t i = 0; i < count; ++i) std::copy_n(from + i * stride, width, to + i * width);
  std::copy_n(last, width, to + count * width);
}

}  // namespace

DecomposedPlaces::DecomposedPlaces(const Sequences& first, const TokenState& state,
                                   const CpuDecomposed* tables, bool pads)
    : first_(first), state_(state), tables_(tables), pads_(pads && tables && state.window > 0) {
  if (tables == nullptr) return;
  for (const Place& place : state.places) {
    y_.push_back(static_cast<int32_t>(place.y));
    x_.push_back(static_cast<int32_t>(place.x));
  }
  first_run_.push_back(0);
  for (size_t i = 0; i + 1 < first.size(); ++i) {
    add_runs(y_, x_, first[i], first[i + 1], runs_);
    first_run_.push_back(static_cast<int32_t>(runs_.size()));
  }
}

Window DecomposedPlaces::window_of(int64_t sequence) const {
  const Windows windows(state_.grid, state_.window);
  return windows.at(static_cast<int>(sequence % windows.count()));
}

kernels::DecomposedBias DecomposedPlaces::of(int64_t sequence) const {
  if (tables_ == nullptr) return {};
  kernels::DecomposedBias bias;
  bias.tables = tables_->tables.panels.get();
  bias.rows = tables_->rows;
  bias.columns = tables_->columns;
  bias.y = y_.data() + first_[sequence];
  bias.x = x_.data() + first_[sequence];
  bias.runs = runs_.data() + first_run_[sequence];
  bias.run_count = first_run_[sequence + 1] - first_run_[sequence];
  if (is_padded(sequence)) {
    bias.window = window_of(sequence);
    bias.side = state_.window;
  }
  return bias;
}

void add_padding_key(const float* key, const float* value, float* space, kernels::Attention& a) {
  float* values = space + (a.tokens + 1) * a.width;
  copy_rows(a.k, a.k_stride, a.tokens, a.width, key, space);
  copy_rows(a.v, a.v_stride, a.tokens, a.value_width, value, values);
  a.k = space;
  a.k_stride = a.width;
  a.v = values;
  a.v_stride = a.value_width;
  ++a.tokens;
}

CpuDecomposed Cpu::make_decomposed(const Weight& rows, const Weight& columns) {
  Array both({0, rows.values.shape.at(1)}, {});
  add_reversed(rows.values, both);
  add_reversed(columns.values, both);
  // Attention multiplies floats where the format of weights has no product of its own.
  const Dtype dtype = kernels_.product(dtype_).rounds() ? dtype_ : Dtype::f32;
  return {static_cast<int32_t>(rows.values.shape[0]), static_cast<int32_t>(columns.values.shape[0]),
          pack(both, {}, dtype)};
}

}  // namespace fovea
