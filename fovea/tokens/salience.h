// Edges that spare what the class token looks at.
#pragma once

#include <vector>

#include "fovea/backend/plan.h"

namespace fovea {

// Divides what the class token's attention gives to each token by the mean over the tokens of its
// image that are not protected.
void relate_to_mean(std::vector<float>& attention, const Sequences& sequences,
                    int protected_tokens);

// Weakens edges between tokens that matter (after AdaMerge, arXiv 2605.27465): an edge's distance,
// 1 - cosine, is multiplied by min(salience_a, salience_b)^0.2. Salience: a token's share of the
// class token's attention, 1 for the mean over the image's tokens that are not protected.
// attention: one a row. Edges must be cosines.
void spare_salient(Edges& edges, const Partition& partition, const Sequences& sequences,
                   int protected_tokens, std::vector<float> attention);

}  // namespace fovea
