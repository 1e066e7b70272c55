// Several masks in one picture of numbers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/api.h"
#include "fovea/segment/rle.h"

namespace fovea {

// [height, width], row by row: for each pixel the number of a mask that it is in, from 1 in the
// order of the masks, or 0. Larger masks lie below smaller ones, of equal ones the first below. All
// must have this size; throws Error otherwise, and for more than 65535 masks.
FOVEA_API std::vector<uint16_t> label_map(std::span<const Rle> masks, int height, int width);

}  // namespace fovea
