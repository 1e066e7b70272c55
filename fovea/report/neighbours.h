// Classes by the nearest of known features: how good features are, without a head.
#pragma once

#include <vector>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/io/array.h"

namespace fovea {

// Weighted vote of the nearest neighbours by cosine, as DINO's evaluation does it: each votes for
// its class with e^(cosine / 0.07).
class Neighbours {
 public:
  // features: [N, C]; classes: of each row, below `class_count`. Throws Error for fewer rows than
  // `nearest`.
  Neighbours(Array features, std::vector<int> classes, int class_count, int nearest, int threads);

  // The votes for every class, [B, classes], for features [B, C].
  Array votes(Array features);

 private:
  Cpu cpu_;
  Cpu::Linear known_;  // as the weights of a linear layer: its outputs are cosines
  std::vector<int> classes_;
  int class_count_;
  int nearest_;
};

}  // namespace fovea
