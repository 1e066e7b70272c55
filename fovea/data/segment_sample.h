// Training samples of segmented pictures: a changed picture, and the masks of what is in it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fovea/data/augment.h"
#include "fovea/data/segmented.h"
#include "fovea/io/random.h"
#include "fovea/model/config.h"

namespace fovea {

// A square of 0 and 1, row by row.
using SquareMask = std::vector<uint8_t>;

struct SegmentSampling {
  int masks = 8;           // of a picture, at most
  int side = 64;           // of masks, for the whole square input
  int64_t least_area = 0;  // pixels of the picture that a segment has at least
};

// A part of a picture, perhaps mirrored, in the upper left corner of a square input.
struct SampleView {
  PixelBox box;  // in the picture
  bool is_mirrored = false;
};

// What a mask of the whole picture is in that view: of each pixel of the mask what is in its
// middle.
SquareMask mask_in_view(const Rle& mask, const SampleView& view, int side);

// Writes the normalised picture, [3, spec.height, spec.width], a random box of it whose long side
// fills the square (spec.fit is `corner`); returns masks drawn from what is true of it, each 1
// somewhere, perhaps none. Of `augmentation` scale, ratio, hflip and rand_augment count. Throws
// Error, with `name` in it, where `preprocess` would.
std::vector<SquareMask> segment_sample(const Image& image, const std::vector<TrueMask>& truths,
                                       const Preprocessing& spec, const Augmentation& augmentation,
                                       const SegmentSampling& sampling, Random& random,
                                       std::span<float> out, const std::string& name);

}  // namespace fovea
