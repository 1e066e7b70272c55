// Pictures of masks: coloured over the picture with outlines, and what they cut out of it.
#pragma once

#include <cstdint>
#include <span>

#include "fovea/data/image.h"

namespace fovea {

// The colour that masks with this number, from 1, are drawn in.
Rgb mask_colour(int number);

// The picture with the pixels of each number from 1, [height, width] as label_map gives them, half
// in its colour, and lines where two numbers meet. Throws Error where there is not a number for
// each pixel.
Image draw_masks(const Image& picture, std::span<const uint16_t> labels);

// What is in no mask of `labels` made black, and how much shows of each pixel, 0 or 255.
struct CutOut {
  Image image;
  std::vector<uint8_t> alpha;  // [height, width]
};
// Throws Error as draw_masks does.
CutOut cut_out(const Image& picture, std::span<const uint16_t> labels);

}  // namespace fovea
