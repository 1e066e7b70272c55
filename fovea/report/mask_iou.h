// How well masks fit true ones: the mean of their intersections over unions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace fovea {

struct MaskIou {
  int64_t masks = 0;
  double by_estimate = 0;  // sums, of the mask that the model itself thinks best
  double best = 0;         // of the one that is best: the oracle's

  // The answers to one prompt: of each mask the model's estimate of its IoU, and its IoU. Of equal
  // estimates the first counts.
  void add(std::span<const float> estimates, std::span<const double> ious) {
    const auto chosen = std::max_element(estimates.begin(), estimates.end()) - estimates.begin();
    by_estimate += ious[chosen];
    best += *std::max_element(ious.begin(), ious.end());
    ++masks;
  }
  double mean_by_estimate() const { return masks == 0 ? 0 : by_estimate / double(masks); }
  double mean_best() const { return masks == 0 ? 0 : best / double(masks); }
};

}  // namespace fovea
