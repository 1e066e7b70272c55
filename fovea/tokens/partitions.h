// Ways to split the tokens of every image in two sets: A, which draw edges, and B, which receive
// them. The first `protected_tokens` of an image do neither.
#pragma once

#include <vector>

#include "fovea/backend/plan.h"
#include "fovea/tokens/random.h"

namespace fovea {

// Tokens at even positions are A, at odd positions B (the paper's section 3).
Partition alternate(const Sequences& sequences, int protected_tokens);

// The first half is A, the second half B, and the odd one too.
Partition halve(const Sequences& sequences, int protected_tokens);

// Half of the tokens, drawn at random, are A, the others B, and the odd one too.
Partition draw_half(const Sequences& sequences, int protected_tokens, const Draw& draw);

// taken[image] tokens, drawn at random, are A, the rest B.
Partition draw_partition(const Sequences& sequences, int protected_tokens,
                         const std::vector<int>& taken, const Draw& draw);

// The last token of every k is B, the others A; what is left over at the end is neither.
Partition every_kth(const Sequences& sequences, int protected_tokens, int k);

}  // namespace fovea
