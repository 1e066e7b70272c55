// How many tokens each layer takes away, by the rules of each matching.
#pragma once

#include <vector>

#include "fovea/tokens/course.h"

namespace fovea {

// How many of an image's `tokens` tokens a layer takes away that is to take `r`; a share is of
// those that are not protected. A matching that draws edges from A to B stops at half of what is
// not protected, all others at one token left. With a threshold it may be fewer.
int count_taken(const MergeOptions& options, const Amount& r, int tokens, int protected_tokens);

// The tokens that leave each layer. Throws Error as layer_schedule does, and where a threshold lets
// the picture decide.
std::vector<int> tokens_per_layer(const MergeOptions& options, int depth, int tokens,
                                  int protected_tokens);
std::vector<int> tokens_per_layer(const MergeCourse& course, int tokens, int protected_tokens);

}  // namespace fovea
