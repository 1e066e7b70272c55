// Who merges with whom: splitting tokens in two sets, and keeping the strongest of the edges drawn
// between them.
#pragma once

#include "fovea/backend/plan.h"

namespace fovea {

// Tokens at even positions are A, at odd positions B (the paper's section 3). The first
// `protected_tokens` of every image draw no edge and receive none.
Partition alternate(const Sequences& sequences, int protected_tokens);

// Bipartite soft matching's second half: in every image the r strongest edges merge their A token
// into its B token; r is cut to floor((T - protected) / 2). Equal edges keep the order of their A
// tokens. The new order: protected tokens, the A tokens that stayed, all of B, each in their order;
// only where nothing is protected the A tokens that stayed come in falling similarity, as in the
// original code.
Plan bipartite_plan(const Sequences& sequences, const Partition& partition, const Edges& edges,
                    int r, int protected_tokens);

// Sizes after a merge: the sums over each new token's members.
std::vector<float> merge_sizes(const std::vector<float>& sizes, const Plan& plan);

}  // namespace fovea
