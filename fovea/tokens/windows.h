// Windows of patches, as attention is bound to in the encoders of ViTDet and Segment Anything.
// Plain host data.
#pragma once

#include <array>

#include "fovea/backend/plan.h"

namespace fovea {

// Cuts images of grid[0] rows of grid[1] patches, and no other tokens, into windows of side x side
// patches from the top left on; those at the right and at the bottom are padded. The tokens of all
// windows are in the order image, window, row. Throws Error where sequences are of other lengths,
// or side is below 1.
Windows cut_windows(const Sequences& sequences, std::array<int, 2> grid, int side);

}  // namespace fovea
