// Position embeddings for the grid of patches that the actual input has.
#pragma once

#include "fovea/backend/grid.h"
#include "fovea/backend/positions.h"
#include "fovea/model/architecture.h"

namespace fovea {

// How the model's table serves an input of so many patches: resampled, where it was made
// for another grid, as timm does it: cubic with a = -0.5, half-pixel centres, antialiased. Of no
// use to a model without positions. Throws Error where the table's grid can't be told (see
// position_layout), and for another grid of a model of videos or sound. Without a table: sines and
// cosines, if the model has these.
PositionMap position_map(const Architecture& architecture, const Grid& grid);

}  // namespace fovea
