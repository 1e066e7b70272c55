#include "fovea/tokens/matching.h"

#include <algorithm>
#include <span>

#include "fovea/tokens/plans.h"
#include "fovea/tokens/worth.h"

namespace fovea {
namespace {

int32_t stronger_than(float threshold, std::span<const float> score) {
  return static_cast<int32_t>(
      std::count_if(score.begin(), score.end(), [&](float s) { return s > threshold; }));
}

}  // namespace

Plan bipartite_plan(const Sequences& sequences, const Partition& partition, const Edges& edges,
                    std::span<const Amount> r, int protected_tokens,
                    std::optional<float> threshold) {
  Plan plan;
  plan.first.push_back(0);
  plan.target.resize(sequences.back());
  std::vector<int32_t> keepers;
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const int32_t first = sequences[image];
    const int32_t tokens = sequences[image + 1] - first;
    const int32_t a_begin = partition.a_first[image];
    const int32_t a_count = partition.a_first[image + 1] - a_begin;
    const std::span<const float> score = std::span(edges.score).subspan(a_begin, a_count);
    const int32_t free = tokens - protected_tokens;
    int32_t count = std::clamp<int32_t>(r[image].of(free), 0, std::min(a_count, free / 2));
    if (threshold) count = std::min(count, stronger_than(*threshold, score));
    std::vector<int32_t> order = falling(score);  // of equals in the order of their A tokens
    if (protected_tokens > 0) std::sort(order.begin() + count, order.end());

    const auto keep = [&](int32_t row) {
      plan.target[row] = static_cast<int32_t>(keepers.size());
      keepers.push_back(row);
    };
    // Where nothing merges nothing moves, whatever else is in the batch.
    for (int32_t i = 0; i < (count == 0 ? tokens : protected_tokens); ++i) keep(first + i);
    if (count == 0) {
      plan.first.push_back(static_cast<int32_t>(keepers.size()));
      continue;
    }
    for (int32_t i = count; i < a_count; ++i) keep(partition.a[a_begin + order[i]]);
    for (int32_t i = partition.b_first[image] + partition.b_protected[image];
         i < partition.b_first[image + 1]; ++i) {
      keep(partition.b[i]);
    }
    for (int32_t i = 0; i < count; ++i) {
      const int32_t edge = a_begin + order[i];
      plan.target[partition.a[edge]] = plan.target[edges.target[edge]];
    }
    plan.first.push_back(static_cast<int32_t>(keepers.size()));
  }
  list_members(plan, keepers);
  return plan;
}

}  // namespace fovea
