// Resizing pictures to the bit as Pillow does it.
#pragma once

#include "fovea/data/image.h"
#include "fovea/model/config.h"

namespace fovea {

// A part of a resized picture, in its pixels.
struct PixelBox {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

// What lies in `window` of `image` resized to width x height, with Pillow's antialiased filters:
// horizontal pass first (Pillow 13 sometimes begins with the vertical one and then rounds
// differently), each pass in fixed point, rounded and clipped to 8 bits. The window must lie
// inside. Takes window.width x image.height pixels of memory between the passes.
Image resize(const Image& image, int width, int height, Interpolation interpolation,
             const PixelBox& window);

}  // namespace fovea
