// RandAugment (Cubuk and others, 2020), as timm has it: some changes of a picture, drawn at random.
#pragma once

#include "fovea/data/changes.h"
#include "fovea/data/image.h"
#include "fovea/io/random.h"

namespace fovea {

// timm's rand-m9-mstd0.5-inc1 is {.operations = 2}.
struct RandAugment {
  int operations = 0;  // how many changes are drawn; 0: none
  double magnitude = 9;
  double deviation = 0.5;  // of each level around the magnitude
  double prob = 0.5;       // how often a drawn change is made
  Rgb fill = {124, 116, 104};
};

Image rand_augment(Image image, const RandAugment& options, Random& random);

}  // namespace fovea
