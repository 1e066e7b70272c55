// Mixup and CutMix: batches whose pictures are mixed two by two, and targets that say so.
#pragma once

#include <span>
#include <vector>

#include "fovea/io/array.h"
#include "fovea/io/random.h"

namespace fovea {

// As timm names them: the parameters of the beta distributions (0: never), how often a batch is
// mixed at all, and how often by CutMix where it could be either.
struct Mix {
  double mixup = 0.8;
  double cutmix = 1;
  double prob = 1;
  double switch_prob = 0.5;
};

// A number in [0, 1] of the beta distribution with both parameters `alpha` > 0.
double draw_beta(double alpha, Random& random);

// [B, classes]: 1 - smoothing on the class, and smoothing shared out evenly to all.
Array smooth_targets(std::span<const int> classes, int class_count, double smoothing);

// Mixes image i of [B, .., H, W] with image B - 1 - i, by a share that is the same for all: as a
// weighted sum (Mixup), or by pasting a box (CutMix), the same in all channels and frames. Targets
// [B, classes] are mixed by the share that each image has in the result.
void mix_batch(Array& images, Array& targets, const Mix& mix, Random& random);

}  // namespace fovea
