// Which tokens take the big path of a big.LITTLE ViT, by a predictor's scores. Plain host data.
#pragma once

#include <span>

#include "fovea/backend/plan.h"
#include "fovea/io/array.h"

namespace fovea {

// How many of `patches` tokens are selected: keep_ratio of them, rounded half to even, at least 1.
int selected_patches(double keep_ratio, int patches);

// Selects the best of every image's patches, by `scores`, one a row (larger is better; equal ones
// in their order, NaN last), and its first `protected_tokens` tokens in any case. keep_ratio: above
// 0, to 1.
Route select_tokens(const Sequences& sequences, std::span<const float> scores, int protected_tokens,
                    double keep_ratio);

// The first `count` tokens of each image.
Route first_tokens(const Sequences& sequences, int count);

// Scores by which tokens get selected that are evenly spread over each image's patches.
std::vector<float> spread_scores(const Sequences& sequences, int protected_tokens,
                                 double keep_ratio);

// A route after a merge: a token is selected if any that it stands for was.
Route follow(const Route& route, const Plan& plan);

// A route as positions in each image's sequence, [B, K]; all images must have K tokens selected.
IntArray positions_of(const Route& route, const Sequences& sequences);

}  // namespace fovea
