// Where tokens stand on the grid of patches, for attention that knows it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/api.h"
#include "fovea/backend/grid.h"
#include "fovea/backend/plan.h"
#include "fovea/backend/rotation.h"

namespace fovea {

// What a merged token takes of its members' places.
enum class Carry {
  mean,  // by size: rotation
  first  // that of the member that keeps its place among the tokens: biases by relative position
};

// Of patches row by row behind `prefix` tokens of each image, which have none. Throws Error where a
// sequence is of another length.
FOVEA_API std::vector<Place> places_of(const Sequences& sequences, int prefix, const Grid& grid);

// After a merge; sizes: of the old tokens.
FOVEA_API std::vector<Place> merge_places(std::span<const Place> places,
                                          std::span<const float> sizes, const Plan& plan,
                                          Carry carry);

// Of each token after a merge the row that was in its place, or -1 where members came together:
// rows before the merge, or `earlier` ones of these, where it is not empty.
FOVEA_API std::vector<int32_t> unmoved(std::span<const int32_t> earlier, const Plan& plan);

}  // namespace fovea
