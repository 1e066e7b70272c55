// How many tokens each layer takes away, by the rules of each matching.
#pragma once

#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/backend/windows.h"
#include "fovea/tokens/course.h"

namespace fovea {

// How many of an image's `tokens` tokens a layer takes away that is to take `r`; a share is of
// those that are not protected. A matching that draws edges from A to B stops at half of what is
// not protected, all others at one token left. With a threshold it may be fewer.
int count_taken(const MergeOptions& options, const Amount& r, int tokens, int protected_tokens);

// The layers of a model of which attention of some stays within windows.
struct WindowedLayers {
  Grid grid = {};                 // of the patches
  int side = 0;                   // of a window, in patches; 0: no layer has any
  std::vector<bool> within = {};  // of each layer: whether it has
};

// What a layer takes that is to take `r`: r is the number of a full window, and of one with fewer
// patches, or of a whole image, in proportion to its patches in full windows. A share is of
// whatever tokens there are.
Amount amount_in(const Amount& r, const Window& window, int side);
Amount amount_over_all(const Amount& r, const Windows& windows);

// The tokens that leave each layer. Throws Error as layer_schedule does, and where a threshold lets
// the picture decide. Where tokens of several windows merge in a layer over all, the picture
// decides which lose how many: then windows are taken to lose evenly.
std::vector<int> tokens_per_layer(const MergeOptions& options, int depth, int tokens,
                                  int protected_tokens, const WindowedLayers& windowed = {});
std::vector<int> tokens_per_layer(const MergeCourse& course, int tokens, int protected_tokens,
                                  const WindowedLayers& windowed = {});

}  // namespace fovea
