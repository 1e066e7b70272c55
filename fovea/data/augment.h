// Random changes of training pictures: crops, mirroring, erasing; timm's, under timm's names. What
// is drawn depends on nothing but the `Random` that is given.
#pragma once

#include <array>
#include <span>
#include <string>

#include "fovea/data/image.h"
#include "fovea/data/randaugment.h"
#include "fovea/data/resize.h"
#include "fovea/io/random.h"
#include "fovea/model/config.h"

namespace fovea {

// How the part of a picture that is trained on is chosen: a box of random area and aspect that is
// resized; the evaluation transform's result, moved about within a black frame; or just that.
enum class Crop { resized, padded, centre };

struct Augmentation {
  Crop crop = Crop::resized;
  std::array<double, 2> scale = {0.08, 1};  // of the box's area, in shares of the picture's
  std::array<double, 2> ratio = {3.0 / 4, 4.0 / 3};  // of its width to its height
  int padding = 4;                                   // width of the frame, in pixels
  double hflip = 0.5;                                // how often it is mirrored
  RandAugment rand_augment = {};
  double reprob = 0.25;                            // how often a box is erased: filled with noise
  std::array<double, 2> erased = {0.02, 1.0 / 3};  // of its area, in shares of the result's
};

// The box of a random resized crop of a picture, within it.
PixelBox draw_crop(int width, int height, const Augmentation& augmentation, Random& random);

// What lies in the box.
Image cut(const Image& image, const PixelBox& box);

// Left becomes right.
void mirror(Image& image);

// Fills a random box of normalised values [3, height, width] with normal noise, so often.
void erase(std::span<float> values, int height, int width, const Augmentation& augmentation,
           Random& random);

// Writes the normalised picture, changed, [3, spec.height, spec.width], to `out`. spec.crop_pct
// counts for crops that start from the evaluation transform. Throws Error, with `name` in it, where
// `preprocess` would.
void augment(const Image& image, const Preprocessing& spec, const Augmentation& augmentation,
             Random& random, std::span<float> out, const std::string& name);

}  // namespace fovea
