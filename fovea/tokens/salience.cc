#include "fovea/tokens/salience.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace fovea {
namespace {

constexpr float kExponent = 0.2F;  // measured best of those tried: docs/merging.md

}  // namespace

void relate_to_mean(std::vector<float>& attention, const Sequences& sequences,
                    int protected_tokens) {
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const auto begin = attention.begin() + sequences[image] + protected_tokens;
    const auto end = attention.begin() + sequences[image + 1];
    const float mean = std::accumulate(begin, end, 0.0F) / static_cast<float>(end - begin);
    std::for_each(begin, end, [mean](float& paid) { paid /= mean; });
  }
}

void spare_salient(Edges& edges, const Partition& partition, const Sequences& sequences,
                   int protected_tokens, std::vector<float> attention) {
  relate_to_mean(attention, sequences, protected_tokens);
  for (size_t i = 0; i < edges.score.size(); ++i) {
    const float least = std::min(attention[partition.a[i]], attention[edges.target[i]]);
    edges.score[i] = 1 - (1 - edges.score[i]) * std::pow(least, kExponent);
  }
}

}  // namespace fovea
