// What attention knows of tokens beside their features: plain host data that all backends read.
// Rows count over the whole batch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/backend/rotation.h"

namespace fovea {

struct TokenState {
  std::vector<float> log_sizes = {};  // of how many patches a token stands for; empty: all are 0
  std::vector<Place> places = {};     // of every row, prefix tokens too; empty where nobody asks
  int prefix = 0;                     // first tokens of each image, which have no place
  Grid grid = {};                     // of the patches: rows, columns
  int window = 0;  // side of the windows of the grid that sequences are; 0: they are whole images
};

// What else counts in attention. Relative, Rows, Decomposed, Qkv: a backend's biases by relative
// position, frequencies, biases by rows and columns apart, and joint weights.
template <class Relative, class Rows, class Decomposed, class Qkv>
struct Sight {
  const Turns* turns = nullptr;          // of all tokens; null: nothing is turned
  const Relative* relative = nullptr;    // may be null
  std::span<const int32_t> asking = {};  // rows of the tokens that ask; empty: all do
  // Of mixed rotations that are trained: what the turns come of, [2 (x, y), layers, heads, d / 2],
  // and the layer. Null: nothing is.
  const Rows* frequencies = nullptr;
  int layer = 0;
  const Decomposed* decomposed = nullptr;  // may be null
  // Whose biases are keys and values of the cells that pad windows; null: nothing pads them.
  const Qkv* padding = nullptr;
};

}  // namespace fovea
