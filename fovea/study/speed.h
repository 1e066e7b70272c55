// How fast settings of merging are, side by side.
#pragma once

#include <functional>
#include <vector>

#include "fovea/fovea.h"

namespace fovea {

// Batches of images [B, 3, H, W].
using Batches = std::vector<Array>;

// How many times faster than the dense model each setting is: the median over passes, in each of
// which all run one after the other, so that a busy machine slows them alike. One pass only once
// `stopped` says so.
std::vector<double> measured_speedups(const Model& model, const Batches& pictures,
                                      const std::vector<MergeOptions>& merges, int passes,
                                      const std::function<bool()>& stopped);

}  // namespace fovea
