#include "fovea/segment/placement.h"

#include <algorithm>

#include "fovea/io/fail.h"

namespace fovea {

PicturePlace place_picture(int width, int height, int side) {
  if (width < 1 || height < 1 || side < 1) {
    fail("a picture of {} x {} pixels in a square of {}; expected sides of at least 1", width,
         height, side);
  }
  const double scale = static_cast<double>(side) / std::max(width, height);
  const auto scaled = [&](int length) { return static_cast<int>(length * scale + 0.5); };
  const PicturePlace placement{width, height, scaled(width), scaled(height), side};
  if (placement.scaled_width < 1 || placement.scaled_height < 1) {
    fail("a picture of {} x {} pixels; too narrow to be resized to a long side of {}", width,
         height, side);
  }
  return placement;
}

Prompt placed(const Prompt& prompt, const PicturePlace& placement) {
  const double across = static_cast<double>(placement.scaled_width) / placement.width;
  const double down = static_cast<double>(placement.scaled_height) / placement.height;
  const auto scale = [](float& at, double factor) { at = static_cast<float>(at * factor); };
  Prompt result = prompt;
  for (auto& [x, y] : result.points) {
    scale(x, across);
    scale(y, down);
  }
  if (result.box) {
    for (int i = 0; i < 4; ++i) scale((*result.box)[i], i % 2 == 0 ? across : down);
  }
  return result;
}

}  // namespace fovea
