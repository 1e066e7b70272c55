// A colour for how much there is of something.
#pragma once

#include "fovea/data/image.h"

namespace fovea {

// From dark violet (0) over red to bright yellow (1), told apart in grey as well: matplotlib's
// "inferno". What lies beyond 0 and 1 is taken for these.
Rgb heat_colour(double share);

}  // namespace fovea
