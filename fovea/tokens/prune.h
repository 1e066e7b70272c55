// Pruning: tokens are dropped instead of merged, for comparison. Whatever they stood for is gone.
#pragma once

#include <span>
#include <vector>

#include "fovea/tokens/plans.h"
#include "fovea/tokens/random.h"

namespace fovea {

// Drops taken[image] tokens drawn at random among those that are not protected.
Leaders prune_at_random(const Sequences& sequences, int protected_tokens,
                        const std::vector<int>& taken, const Draw& draw);

// Drops the taken[image] tokens with the least attention, of equal ones the first. attention: one a
// row.
Leaders prune_least(const Sequences& sequences, int protected_tokens, const std::vector<int>& taken,
                    std::span<const float> attention);

}  // namespace fovea
