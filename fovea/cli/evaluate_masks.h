// fovea evaluate --prompt-kinds: how well Segment Anything finds true masks.
#pragma once

#include "fovea/cli/evaluation.h"

namespace fovea::cli {

// Adds --prompt-kinds and what goes with it.
void add_mask_flags(Command& command, MaskFlags& flags);

// Returns the exit status. Throws Error for options that only go with classes.
int evaluate_masks(const EvaluateFlags& flags, const Processes& processes);

}  // namespace fovea::cli
