#include "fovea/tokens/prune.h"

#include <cstddef>

#include "fovea/tokens/worth.h"

namespace fovea {
namespace {

// Drops the first taken[image] tokens of order_of(begin, count), which counts from the first token
// that is not protected.
template <class OrderOf>
Leaders prune(const Sequences& sequences, int protected_tokens, const std::vector<int>& taken,
              const OrderOf& order_of) {
  Leaders leaders = own_leaders(sequences);
  for (size_t image = 0; image < taken.size(); ++image) {
    const int32_t begin = sequences[image] + protected_tokens;
    const std::vector<int32_t> order = order_of(begin, sequences[image + 1] - begin);
    for (int i = 0; i < taken[image]; ++i) leaders[begin + order[i]] = -1;
  }
  return leaders;
}

}  // namespace

Leaders prune_at_random(const Sequences& sequences, int protected_tokens,
                        const std::vector<int>& taken, const Draw& draw) {
  return prune(sequences, protected_tokens, taken,
               [&](int32_t, int32_t count) { return random_order(count, draw); });
}

Leaders prune_least(const Sequences& sequences, int protected_tokens, const std::vector<int>& taken,
                    std::span<const float> attention) {
  return prune(sequences, protected_tokens, taken, [&](int32_t begin, int32_t count) {
    return rising(attention.subspan(begin, count));
  });
}

}  // namespace fovea
