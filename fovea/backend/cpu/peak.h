// What the machine could do at best: multiply-adds that wait for nothing.
#pragma once

#include "fovea/backend/cpu/level.h"

namespace fovea {

// Single-precision operations per second of one thread at a level, two per multiply-add, best of
// several tries.
double multiply_add_peak(SimdLevel level);

}  // namespace fovea
