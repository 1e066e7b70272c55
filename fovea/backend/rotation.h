// Rotary position embedding: what angles the queries and keys of a token are turned by. Plain host
// data that all backends read.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/io/array.h"

namespace fovea {

// Where a token stands on the grid of patches: of patch (row, column) these; of a merged one real
// numbers.
struct Place {
  float y = 0;
  float x = 0;
};

// How the d / 2 angles of a token come of its place.
enum class RotationKind {
  cat,     // a quarter of d by each axis: coordinate * theta^(-4 j / d); pairs (2 k, 2 k + 1)
  dinov3,  // the same of coordinates from -1 to 1, times 2 pi; pairs (k, k + d / 2)
  mixed    // y and x by frequencies of each head's own; pairs (2 k, 2 k + 1)
};

struct Rotation {
  RotationKind kind = RotationKind::cat;
  double theta = 10000;
  bool x_first = false;                      // of cat's angles
  double offset = 0;                         // added to cat's coordinates
  std::array<double, 2> reference = {0, 0};  // cat: the grid that they are scaled to; 0: none
  Array frequencies = {};                    // mixed: [2 (x, y), layers, heads, d / 2]
};

// What every token is turned by.
struct Turns {
  int64_t pairs = 0;            // d / 2
  int heads = 1;                // with angles of their own; 1: all heads have the same
  bool in_halves = false;       // whether pairs are channels (k, k + d / 2), else (2 k, 2 k + 1)
  std::vector<float> cos, sin;  // [rows, heads, pairs]

  int64_t stride() const { return pairs * heads; }
  // Where the angles of a row in one head begin.
  int64_t at(int64_t row, int64_t head) const {
    return row * stride() + (heads > 1 ? head * pairs : 0);
  }
};

// What tokens were turned by that these came of.
struct EarlierTurns {
  const Turns& turns;
  std::span<const int32_t> rows;  // of each token now: the one then in the same place, or -1
};

// Of all rows of a batch, `first` being where its images begin. The first `prefix` tokens of each
// image aren't turned. grid: of the input's patches; width: d. earlier: of the same layer, or of
// any where not each has frequencies of its own; may be null.
Turns turns_of(const Rotation& rotation, int layer, std::span<const int32_t> first,
               std::span<const Place> places, int prefix, const Grid& grid, int64_t width,
               const EarlierTurns* earlier = nullptr);

}  // namespace fovea
