// Pictures of the routes of a big.LITTLE ViT: which patches took the big path, and how often.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "fovea/data/image.h"
#include "fovea/io/array.h"
#include "fovea/report/groups.h"

namespace fovea {

// Whether each patch of image `image` of a run took the big path in layer `layer`, from 1: alone or
// as a part of a merged token. routes, trace: of the Result; prefix: the tokens before the patches.
// All did in layers before the first route.
std::vector<int32_t> took_big_path(const std::map<int, IntArray>& routes, const IntArray& trace,
                                   int64_t image, int layer, int prefix);

// The picture where a patch's label is not 0; elsewhere what is left of it in dark grey. Lines lie
// between the two. Throws Error as draw_groups does.
Image draw_route(const Image& picture, const PatchLabels& taken);

// Each patch in a colour for its label, from 0 (dark violet) over red to `most` (bright yellow),
// and the picture still to be seen through it. Throws Error likewise.
Image draw_heat(const Image& picture, const PatchLabels& counts, int most);

}  // namespace fovea
