// Position embeddings for the grid of patches that the actual input has.
#pragma once

#include <array>

#include "fovea/io/array.h"
#include "fovea/model/architecture.h"

namespace fovea {

// Resamples a grid of rows: [from[0] * from[1], C] -> [to[0] * to[1], C], as timm does it: cubic
// with a = -0.5, half-pixel centres, antialiased, in float.
Array resample_grid(const Array& rows, std::array<int, 2> from, std::array<int, 2> to);

// What is added to, or stands before, the patches of an input.
struct Positions {
  Array prefix;   // [p, C]: class, distillation and register tokens with their positions; empty
                  // where there are none
  Array patches;  // [P, C]; empty where the model has no position embedding
};

// prefix_tokens: [p, C] in their order; table: [rows, C] as stored; grid: patches of the actual
// input (rows, columns). Throws Error where the table's grid can't be told (see position_layout).
Positions positions_for(const Architecture& architecture, const Array& prefix_tokens,
                        const Array& table, std::array<int, 2> grid);

}  // namespace fovea
