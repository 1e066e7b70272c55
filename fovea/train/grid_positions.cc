#include "fovea/train/grid_positions.h"

#include <torch/torch.h>

namespace fovea {
namespace {

// Sines and cosines of places on a line: [count, channels].
torch::Tensor waves(int64_t count, int64_t channels) {
  const torch::Tensor step = torch::arange(channels / 2, torch::kDouble) * 2 / channels;
  const torch::Tensor angles =
      torch::outer(torch::arange(count, torch::kDouble), torch::pow(10000.0, -step));
  return torch::cat({angles.sin(), angles.cos()}, 1);
}

}  // namespace

torch::Tensor grid_positions(const Grid& grid, int64_t channels) {
  if (grid.frames > 1) return waves(grid.size(), channels);
  const torch::Tensor vertical = waves(grid.rows, channels / 2).unsqueeze(1);
  const torch::Tensor horizontal = waves(grid.columns, channels / 2).unsqueeze(0);
  const torch::Tensor both = torch::cat({vertical.expand({grid.rows, grid.columns, -1}),
                                         horizontal.expand({grid.rows, grid.columns, -1})},
                                        2);
  return both.flatten(0, 1);
}

}  // namespace fovea
