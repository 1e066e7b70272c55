// The changes of pictures that RandAugment chooses from, as Pillow makes them.
#pragma once

#include "fovea/data/image.h"

namespace fovea {

// timm's "increasing" set: the higher the level, the stronger.
enum class Change {
  autocontrast,
  equalize,
  invert,
  rotate,
  posterize,
  solarize,
  solarize_add,
  color,
  contrast,
  brightness,
  sharpness,
  shear_x,
  shear_y,
  translate_x,
  translate_y
};
inline constexpr int kChanges = 15;

// level: 0 to 10. With `negative` rotations, shears, translations and the four strengths (color,
// contrast, brightness, sharpness) go the other way. Pixels from outside the picture have the
// colour `fill`; geometry is bilinear.
Image changed(const Image& image, Change change, double level, bool negative, Rgb fill);

}  // namespace fovea
