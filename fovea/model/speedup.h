// The least merging that makes a model a given number of times cheaper.
#pragma once

#include "fovea/api.h"
#include "fovea/backend/grid.h"
#include "fovea/model/architecture.h"
#include "fovea/tokens/options.h"

namespace fovea {

struct Speedup {
  MergeOptions merge;        // its schedule is what was looked for
  double factor = 1;         // of the schedule that was given, where it was a list or a share
  double dense_gflops = 0;   // of one image where nothing merges
  double merged_gflops = 0;  // of one image merged so
};

// How tokens must merge so that an input of that size in pixels takes at most 1 / `speedup` of
// the dense model's GFLOPs (architecture.h): `merge` with the least constant r, around which its
// inflect is kept, or, where its schedule is a list or a share, with the least multiple of that.
// Throws Error where none does, saying what is reached at most, and for a threshold or matching
// kth, which no r makes faster.
FOVEA_API Speedup reach_speedup(const Architecture& architecture, const Grid& size,
                                const MergeOptions& merge, double speedup);

}  // namespace fovea
