// Weights on their way from a model's file into a backend.
#pragma once

#include <string>

#include "fovea/io/array.h"

namespace fovea {

// How a weight begins in a model that has learned nothing yet: as small normal numbers, as normal
// numbers of deviation 1, as those of a convolution, as 0, as 1, as LayerScale's small factor; or,
// at the end of what may be put into a model that has learned without it, as normal numbers in a
// new model and as 0 in such a one.
enum class Start { normal, unit, convolution, zero, one, scale, joining };

// Values, and the canonical name under which a backend that trains keeps them.
struct Weight {
  Array values;
  std::string name = {};
};

// What normalises each channel of a convolution's output by the statistics of a batch; [channels]
// each.
struct BatchNorm {
  Weight gamma, beta, mean, variance;
  double eps = 1e-5;
};

// How the window that a convolution takes as one row is flattened: (channel, row, column), as
// Backend::patches leaves them, or (row, column, channel), as Backend::fold and
// Backend::convolve do.
enum class RowOrder { channels_first, channels_last };

}  // namespace fovea
