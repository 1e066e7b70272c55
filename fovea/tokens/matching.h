// Bipartite soft matching: keeping the strongest of the edges drawn between two sets of tokens.
#pragma once

#include <optional>
#include <span>

#include "fovea/backend/plan.h"
#include "fovea/tokens/amount.h"

namespace fovea {

// Bipartite soft matching's second half: in every image the r strongest edges merge their A token
// into its B token; r, one an image, of the tokens that are not protected where it is a share, is
// cut to floor((T - protected) / 2), and to the edges stronger than `threshold` where there is one.
// Equal edges keep the order of their A tokens. The new order: protected tokens, the A tokens that
// stayed, all of B, each in their order; only where nothing is protected the A tokens that stayed
// come in falling similarity, as in the original code. An image in which nothing merges keeps its
// order.
Plan bipartite_plan(const Sequences& sequences, const Partition& partition, const Edges& edges,
                    std::span<const Amount> r, int protected_tokens,
                    std::optional<float> threshold = {});

}  // namespace fovea
