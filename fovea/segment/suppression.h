// Non-maximum suppression: of boxes that cover nearly the same, only the best stays.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "fovea/api.h"

namespace fovea {

using Box = std::array<float, 4>;  // x0, y0, x1, y1

// Which boxes stay, the best score first; equal scores in the order of the boxes. A box goes where
// its intersection over union with one that stays is more than `most`, as torchvision's nms has it.
FOVEA_API std::vector<size_t> suppress(std::span<const Box> boxes, std::span<const float> scores,
                                       double most);

}  // namespace fovea
