// Polygons as masks, to the pixel as COCO's tools do it.
#pragma once

#include <span>

#include "fovea/api.h"
#include "fovea/segment/rle.h"

namespace fovea {

// What lies in a closed polygon of corners x, y, x, y, ... in pixels, at least three of them. They
// are finite, and no further outside than the mask is wide or high.
FOVEA_API Rle mask_of_polygon(std::span<const double> corners, int height, int width);

// What is 1 in any of these masks, at least one and all of one size.
FOVEA_API Rle united(std::span<const Rle> masks);

}  // namespace fovea
