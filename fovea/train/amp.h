// Whether a training run multiplies in bf16.
#pragma once

#include <string>

#include "fovea/processes/processes.h"
#include "fovea/train/recipe.h"

namespace fovea {

// What a run computes on.
struct Multiplier {
  std::string name;  // as a message calls it
  bool in_bf16;      // whether it multiplies in bf16; else libtorch emulates that, far slower
};

// What recipe.device is on this machine; a processor as FOVEA_SIMD caps it. Throws Error as
// parse_device does.
Multiplier multiplier_of(const std::string& device);
// All processes: what they compute on together. They multiply in bf16 where each can.
Multiplier agreed(const Multiplier& own, const Processes& processes);

struct AmpChoice {
  bool in_bf16 = false;
  std::string note = {};  // what was chosen and why, in a line; empty where it is as expected
};
AmpChoice choose_amp(Amp asked, const Multiplier& multiplier);

}  // namespace fovea
