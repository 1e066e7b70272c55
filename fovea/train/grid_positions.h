// Sines and cosines of where patches lie.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "fovea/backend/grid.h"

namespace fovea {

// Positions of the patches of a grid, half of the channels for each axis as MAE has them, or of a
// video's as VideoMAE's decoder, by their numbers: [P, channels], doubles. channels: a multiple of
// 4.
torch::Tensor grid_positions(const Grid& grid, int64_t channels);

}  // namespace fovea
