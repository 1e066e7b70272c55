#include "fovea/tokens/salience.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace fovea {
namespace {

constexpr float kExponent = 0.2F;  // measured best of those tried: docs/merging.md

}  // namespace

void spare_salient(Edges& edges, const Partition& partition, const Sequences& sequences,
                   int protected_tokens, std::span<const float> attention) {
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const int32_t begin = sequences[image] + protected_tokens;
    const std::span<const float> free = attention.subspan(begin, sequences[image + 1] - begin);
    const float mean =
        std::accumulate(free.begin(), free.end(), 0.0F) / static_cast<float>(free.size());
    for (int32_t i = partition.a_first[image]; i < partition.a_first[image + 1]; ++i) {
      const float least = std::min(attention[partition.a[i]], attention[edges.target[i]]);
      edges.score[i] = 1 - (1 - edges.score[i]) * std::pow(least / mean, kExponent);
    }
  }
}

}  // namespace fovea
