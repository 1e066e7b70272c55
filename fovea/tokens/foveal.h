// Foveal merging, the choices on the host (docs/merging.md): who may merge into whom, who does, and
// what each weighs in what they become.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "fovea/backend/plan.h"
#include "fovea/tokens/options.h"

namespace fovea {

// Of every image the free tokens by what they are paid, ties in their order: each may go to those
// after it, or, of alternate pairing, an even one to the odd ones among these, or to the last of
// all odd ones where there are none.
Ranking rank_tokens(const Sequences& sequences, int protected_tokens, Pairing pairing,
                    std::span<const float> attention);

// Of every image the `counts` tokens that go at the least cost, their chains led to the end.
// edges.score: less what their features and sizes cost.
Plan foveal_plan(const Sequences& sequences, const Ranking& ranking, const Edges& edges,
                 std::span<const float> attention, const std::vector<int>& counts,
                 const FovealOptions& options);

// What each token weighs in what it becomes part of.
std::vector<float> foveal_weights(std::span<const float> attention, std::span<const float> sizes,
                                  const FovealOptions& options);

// The share that each row, as it was before all rounds, has in its token after one round more;
// `before`: what the rounds before did, none before the first. weights: of the tokens that come
// into the round.
void follow_shares(const std::optional<Plan>& before, const Plan& round,
                   const std::vector<float>& weights, std::vector<float>& shares);

}  // namespace fovea
