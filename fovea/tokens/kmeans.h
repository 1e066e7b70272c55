// K-means: clusters of tokens become tokens.
#pragma once

#include <vector>

#include "fovea/backend/kinds.h"
#include "fovea/tokens/plans.h"
#include "fovea/tokens/similarity.h"

namespace fovea {

// Clusters each image's tokens that are not protected; taken[image] fewer clusters than tokens. The
// centres start as features of evenly spaced tokens, and are means weighted by size from then on; 5
// rounds. A cluster without tokens gets the one least like its centre of those that have company,
// so that the number of clusters holds. A cluster stands at the place of its first token. features:
// [rows, F]; sizes: one a row.
Leaders match_kmeans(const Sequences& sequences, int protected_tokens,
                     const std::vector<int>& taken, const Features& features,
                     const std::vector<float>& sizes, Distance distance);

}  // namespace fovea
