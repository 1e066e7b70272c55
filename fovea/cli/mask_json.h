// Masks as JSON, as COCO writes them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "fovea/segment/rle.h"

namespace fovea::cli {

enum class RleText { counts, compressed };  // a list of numbers, or COCO's string

// {size: [height, width], counts}.
nlohmann::ordered_json segmentation_json(const Rle& rle, RleText text);
// [x, y, width, height].
nlohmann::ordered_json box_json(const Rle& rle);

}  // namespace fovea::cli
