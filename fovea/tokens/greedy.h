// Greedy matching: again and again the two tokens that are most alike merge.
#pragma once

#include <vector>

#include "fovea/backend/kinds.h"
#include "fovea/tokens/plans.h"
#include "fovea/tokens/similarity.h"

namespace fovea {

// taken[image] times the most similar pair of tokens that are not protected merges; it goes on with
// the mean of both features, weighted by size, at the place of its first token. Of equal pairs the
// first in order merges. features: [rows, F]; sizes: one a row. Time: O(T^2 F) where few pairs
// share a token.
Leaders match_greedily(const Sequences& sequences, int protected_tokens,
                       const std::vector<int>& taken, Features features, std::vector<float> sizes,
                       Distance distance);

}  // namespace fovea
