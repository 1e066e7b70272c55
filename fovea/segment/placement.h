// Where a picture lies in the square that Segment Anything looks at: shrunk or enlarged until its
// long side is the square's, in the upper left corner.
#pragma once

#include "fovea/api.h"
#include "fovea/segment/prompt.h"

namespace fovea {

// All in pixels.
struct PicturePlace {
  int width = 0;  // of the picture
  int height = 0;
  int scaled_width = 0;  // of what it becomes in the square
  int scaled_height = 0;
  int side = 0;  // of the square

  bool operator==(const PicturePlace&) const = default;
};

// Sides are rounded as SAM rounds them. Throws Error for a picture so narrow that nothing of it
// would be left, and for sides below 1.
FOVEA_API PicturePlace place_picture(int width, int height, int side);

// A prompt in the picture's pixels as one in the square's.
FOVEA_API Prompt placed(const Prompt& prompt, const PicturePlace& placement);

}  // namespace fovea
