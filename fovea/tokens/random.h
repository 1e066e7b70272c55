// Random choices that can be repeated: they depend on a seed, the layer and a count, never on the
// image or on its place in a batch.
#pragma once

#include <cstdint>
#include <vector>

namespace fovea {

struct Draw {
  uint64_t seed = 0;
  int layer = 0;
};

// 0 to count - 1 in random order, the same on every machine.
std::vector<int32_t> random_order(int32_t count, const Draw& draw);

}  // namespace fovea
