// Biases of attention by rows and by columns apart (Segment Anything) on the torch backend.
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <vector>

#include "fovea/backend/torch/padding.h"
#include "fovea/backend/torch/torch.h"
#include "fovea/backend/windows.h"

namespace fovea {
namespace {

// Far below all scores, but no infinity, of whose difference gradients would be made.
constexpr double kNever = -1e30;

// One axis: what queries [B, heads, K, d] add for each distance, at distances from - to. from: [B,
// K]; to: [B, T]. Behind a shorter sequence stand places of others, at whatever distance.
torch::Tensor at_distances(const torch::Tensor& queries, const torch::Tensor& table,
                           const torch::Tensor& from, const torch::Tensor& to) {
  const int64_t last = table.size(0) - 1;
  const torch::Tensor by_distance = torch::matmul(queries, table.t());
  const torch::Tensor index = (from.unsqueeze(2) - to.unsqueeze(1) + last / 2).clamp(0, last);
  return by_distance.gather(
      3, index.unsqueeze(1).expand({-1, queries.size(1), -1, -1}).to(torch::kLong));
}

// The cells of each sequence's window along one axis: where they are, and which are patches.
struct WindowCells {
  torch::Tensor at;    // [B, side]
  torch::Tensor real;  // [B, 1, 1, side]
};

WindowCells window_cells(const TokenState& state, int64_t batch, bool along_rows,
                         torch::Device device) {
  const Windows windows(state.grid, state.window);
  std::vector<int32_t> at, real;
  for (int64_t b = 0; b < batch; ++b) {
    const Window window = windows.at(static_cast<int>(b % windows.count()));
    for (int i = 0; i < state.window; ++i) {
      at.push_back((along_rows ? window.y : window.x) + i);
      real.push_back(i < (along_rows ? window.rows : window.columns) ? 1 : 0);
    }
  }
  return {index_tensor(at, device).view({batch, -1}),
          index_tensor(real, device).view({batch, 1, 1, -1}).to(torch::kBool)};
}

torch::Tensor sum_of_exp(const torch::Tensor& x, const torch::Tensor& counted) {
  return x.masked_fill(counted.logical_not(), kNever).logsumexp(3, true);
}

}  // namespace

Torch::Added Torch::decomposed_bias(const torch::Tensor& queries, const Decomposed& tables,
                                    const TokenState& state, const Padding& asking,
                                    std::span<const int32_t> rows, const Padding& keys,
                                    bool pads) const {
  const c10::impl::ExcludeDispatchKeyGuard exact(c10::autocast_dispatch_keyset);
  std::vector<int32_t> y, x;
  for (const Place& place : state.places) {
    y.push_back(static_cast<int32_t>(place.y));
    x.push_back(static_cast<int32_t>(place.x));
  }
  const torch::Tensor index = index_tensor(rows, device_);
  const torch::Tensor ys = index_tensor(y, device_);
  const torch::Tensor xs = index_tensor(x, device_);
  const torch::Tensor from_y = asking.pad(ys.index_select(0, index));
  const torch::Tensor from_x = asking.pad(xs.index_select(0, index));
  const torch::Tensor q = queries.to(dtype_);
  Added added;
  added.keys = at_distances(q, tables.rows, from_y, keys.pad(ys)) +
               at_distances(q, tables.columns, from_x, keys.pad(xs));
  const Windows windows(state.grid, pads ? state.window : 1);
  if (!pads || windows.full() == windows.count()) return added;
  const WindowCells down = window_cells(state, keys.batch(), true, device_);
  const WindowCells across = window_cells(state, keys.batch(), false, device_);
  const torch::Tensor by_row = at_distances(q, tables.rows, from_y, down.at);
  const torch::Tensor by_column = at_distances(q, tables.columns, from_x, across.at);
  const torch::Tensor below =
      sum_of_exp(by_row, down.real.logical_not()) + by_column.logsumexp(3, true);
  const torch::Tensor beside =
      sum_of_exp(by_row, down.real) + sum_of_exp(by_column, across.real.logical_not());
  added.padding = torch::logaddexp(below, beside);
  return added;
}

}  // namespace fovea
