#include "fovea/tokens/foveal.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "fovea/tokens/plans.h"
#include "fovea/tokens/worth.h"

namespace fovea {
namespace {

constexpr float kAttentionFloor = 0.1F;  // what even a token that is paid nothing costs
constexpr float kWeightFloor = 1e-4F;

}  // namespace

Ranking rank_tokens(const Sequences& sequences, int protected_tokens, Pairing pairing,
                    std::span<const float> attention) {
  Ranking ranking;
  Partition& pairs = ranking.pairs;
  pairs.a_first.push_back(0);
  pairs.b_first.push_back(0);
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const int32_t first = sequences[image] + protected_tokens;
    const size_t free = sequences[image + 1] - first;
    int32_t receivers = 0;
    for (const int32_t place : rising(attention.subspan(first, free))) {
      const bool goes = pairing == Pairing::all || place % 2 == 0;
      const bool receives = pairing == Pairing::all || !goes;
      receivers += receives ? 1 : 0;
      if (receives) pairs.b.push_back(first + place);
      if (!goes) continue;
      pairs.a.push_back(first + place);
      ranking.allowed.push_back(receivers);
    }
    if (pairing == Pairing::alternate) {
      // Who is paid more than all others may go to the most of these: as many as asked for must be
      // able to go.
      for (size_t i = pairs.a_first.back(); i < pairs.a.size(); ++i) {
        ranking.allowed[i] = std::max(0, std::min(ranking.allowed[i], receivers - 1));
      }
    }
    pairs.a_first.push_back(static_cast<int32_t>(pairs.a.size()));
    pairs.b_first.push_back(static_cast<int32_t>(pairs.b.size()));
  }
  return ranking;
}

Plan foveal_plan(const Sequences& sequences, const Ranking& ranking, const Edges& edges,
                 std::span<const float> attention, const std::vector<int>& counts,
                 const FovealOptions& options) {
  std::vector<float> cost(edges.score.size());
  for (size_t i = 0; i < cost.size(); ++i) {
    const float paid = attention[ranking.pairs.a[i]] + kAttentionFloor;
    cost[i] = worth(edges.score[i]) * -std::pow(paid, static_cast<float>(options.attention));
  }
  Leaders leaders = own_leaders(sequences);
  for (size_t image = 0; image + 1 < sequences.size(); ++image) {
    const int32_t begin = ranking.pairs.a_first[image];
    const int32_t count = ranking.pairs.a_first[image + 1] - begin;
    const std::vector<int32_t> order = rising(std::span(cost).subspan(begin, count));
    std::vector<bool> goes(count);
    for (int32_t i = 0; i < std::min(counts[image], count); ++i) goes[order[i]] = true;
    // A tokens rise in attention, and so do chains: what comes after has been led to its end.
    for (int32_t i = count; i-- > 0;) {
      if (!goes[i]) continue;
      leaders[ranking.pairs.a[begin + i]] = leaders[edges.target[begin + i]];
    }
  }
  return plan_of(sequences, leaders);
}

std::vector<float> foveal_weights(std::span<const float> attention, std::span<const float> sizes,
                                  const FovealOptions& options) {
  std::vector<float> weights(sizes.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    const float each = std::max(attention[i] / sizes[i], kWeightFloor);
    weights[i] = sizes[i] * std::pow(each, static_cast<float>(options.weight));
  }
  return weights;
}

void follow_shares(const std::optional<Plan>& before, const Plan& round,
                   const std::vector<float>& weights, std::vector<float>& shares) {
  const std::vector<float> total = merge_sizes(weights, round);
  if (!before) shares.assign(weights.size(), 1.0F);
  for (size_t row = 0; row < shares.size(); ++row) {
    const int32_t token = before ? before->target[row] : static_cast<int32_t>(row);
    shares[row] *= weights[token] / total[round.target[token]];
  }
}

}  // namespace fovea
