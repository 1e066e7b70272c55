// How tokens merge in one model: what was asked for, resolved once and handed down.
#pragma once

#include <vector>

#include "fovea/tokens/options.h"

namespace fovea {

struct MergeCourse {
  MergeOptions options;
  std::vector<Amount> r;  // of each layer
  Wanted wanted;          // what the choice of tokens goes by
};

// For `depth` layers. Throws Error as layer_schedule does.
inline MergeCourse merge_course(const MergeOptions& options, int depth) {
  return {options, layer_schedule(options, depth), wanted_by(options)};
}

}  // namespace fovea
