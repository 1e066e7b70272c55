// How a table of position embeddings serves an input: plain host data that all backends read.
#pragma once

#include <vector>

#include "fovea/io/array.h"

namespace fovea {

// The inputs that one output of a resampling takes, and how much of each; weights sum to 1.
struct Taps {
  int first = 0;
  std::vector<double> weights;
};

// The first `prefix` rows belong to the first prefix tokens; the others are a grid of
// rows x columns, of which each axis is resampled, rows of the grid last, where there are taps.
struct PositionMap {
  int prefix = 0;
  int rows = 0;
  int columns = 0;
  std::vector<Taps> vertical, horizontal;  // one for each row and column of the input's patches
  Array fixed = {};  // positions of all patches [P, C], where there is no table

  bool is_resampled() const { return !vertical.empty(); }
};

}  // namespace fovea
