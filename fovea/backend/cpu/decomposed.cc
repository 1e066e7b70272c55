#include "fovea/backend/cpu/decomposed.h"

#include <algorithm>

namespace fovea {
namespace {

// The rows of `table`, the last one first, behind those of `rows`.
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

// Rows of the whole grid that hold all its cells once, in any order.
bool is_whole_grid(const Sequences& first, const TokenState& state, int64_t lanes) {
  if (state.window > 0 || state.prefix > 0 || state.grid.columns % lanes != 0) return false;
  for (size_t i = 0; i + 1 < first.size(); ++i) {
    if (first[i + 1] - first[i] != state.grid.size()) return false;
  }
  return true;
}

// From here on keys and values of `a` are rows of `space`, one behind the other.
struct Copied {
  float* keys;
  float* values;
};
Copied copy_to(float* space, int64_t rows, kernels::Attention& a) {
  float* values = space + rows * a.width;
  a.k = space;
  a.k_stride = a.width;
  a.v = values;
  a.v_stride = a.value_width;
  return {space, values};
}

}  // namespace

DecomposedPlaces::DecomposedPlaces(const Sequences& first, const TokenState& state,
                                   const CpuDecomposed* tables, bool pads, int64_t lanes)
    : first_(first), state_(state), tables_(tables), pads_(pads && tables && state.window > 0) {
  if (tables == nullptr) return;
  is_grid_ = is_whole_grid(first, state, lanes);
  first_run_.push_back(0);
  for (int64_t i = 0; i + 1 < static_cast<int64_t>(first.size()); ++i) {
    const Window origin = state.window > 0 ? window_of(i) : Window();
    for (int32_t row = first[i]; row < first[i + 1]; ++row) {
      y_.push_back(static_cast<int32_t>(state.places[row].y) - origin.y);
      x_.push_back(static_cast<int32_t>(state.places[row].x) - origin.x);
    }
    if (is_grid_) {
      order_.resize(first[i + 1]);
      for (int32_t row = first[i]; row < first[i + 1]; ++row) {
        order_[first[i] + y_[row] * state.grid.columns + x_[row]] = row - first[i];
      }
    } else {
      add_runs(y_, x_, first[i], first[i + 1], runs_);
    }
    first_run_.push_back(static_cast<int32_t>(runs_.size()));
  }
}

Window DecomposedPlaces::window_of(int64_t sequence) const {
  const Windows windows(state_.grid, state_.window);
  return windows.at(static_cast<int>(sequence % windows.count()));
}

std::span<const int32_t> DecomposedPlaces::order(int64_t sequence) const {
  if (!is_grid_) return {};
  return std::span(order_).subspan(first_[sequence], first_[sequence + 1] - first_[sequence]);
}

kernels::DecomposedBias DecomposedPlaces::of(int64_t sequence) const {
  if (tables_ == nullptr) return {};
  constexpr int32_t kUsefulRun = 4;  // shorter ones cost more than looking up each key
  kernels::DecomposedBias bias;
  bias.tables = tables_->tables.panels.get();
  bias.rows = tables_->rows;
  bias.columns = tables_->columns;
  bias.y = y_.data() + first_[sequence];
  bias.x = x_.data() + first_[sequence];
  if (is_grid_) {
    bias.grid_columns = state_.grid.columns;
    return bias;
  }
  const int32_t count = first_run_[sequence + 1] - first_run_[sequence];
  if (kUsefulRun * count <= first_[sequence + 1] - first_[sequence]) {
    bias.runs = runs_.data() + first_run_[sequence];
    bias.run_count = count;
  }
  if (is_padded(sequence)) {
    const Window window = window_of(sequence);
    bias.side = state_.window;
    bias.real_rows = window.rows;
    bias.real_columns = window.columns;
  }
  return bias;
}

void add_padding_key(const float* key, const float* value, float* space, kernels::Attention& a) {
  const kernels::Attention from = a;
  const Copied to = copy_to(space, a.tokens + 1, a);
  for (int64_t i = 0; i < from.tokens; ++i) {
    std::copy_n(from.k + i * from.k_stride, a.width, to.keys + i * a.width);
    std::copy_n(from.v + i * from.v_stride, a.value_width, to.values + i * a.value_width);
  }
  std::copy_n(key, a.width, to.keys + from.tokens * a.width);
  std::copy_n(value, a.value_width, to.values + from.tokens * a.value_width);
  ++a.tokens;
}

void reorder_keys(std::span<const int32_t> order, float* space, kernels::Attention& a) {
  const kernels::Attention from = a;
  const Copied to = copy_to(space, a.tokens, a);
  for (int64_t i = 0; i < from.tokens; ++i) {
    std::copy_n(from.k + order[i] * from.k_stride, a.width, to.keys + i * a.width);
    std::copy_n(from.v + order[i] * from.v_stride, a.value_width, to.values + i * a.value_width);
  }
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
