#include "fovea/tokens/random.h"

#include <numeric>
#include <random>
#include <utility>

namespace fovea {

std::vector<int32_t> random_order(int32_t count, const Draw& draw) {
  std::seed_seq words = {static_cast<uint32_t>(draw.seed), static_cast<uint32_t>(draw.seed >> 32),
                         static_cast<uint32_t>(draw.layer), static_cast<uint32_t>(count)};
  std::mt19937_64 generator(words);
  std::vector<int32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  // std::shuffle would differ from one standard library to the next.
  for (int32_t i = count - 1; i > 0; --i) {
    std::swap(order[i], order[generator() % (static_cast<uint64_t>(i) + 1)]);
  }
  return order;
}

}  // namespace fovea
