// What the machine could do at best: multiply-adds that wait for nothing.
#pragma once

#include "fovea/backend/cpu/instruction_set.h"

namespace fovea {

// Single-precision operations per second of one thread with such instructions, two per
// multiply-add, best of several tries.
double multiply_add_peak(InstructionSet set);

}  // namespace fovea
