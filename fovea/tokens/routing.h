// Which tokens take the big path of a big.LITTLE ViT, by a predictor's scores. Plain host data.
#pragma once

#include <span>

#include "fovea/backend/plan.h"
#include "fovea/backend/windows.h"
#include "fovea/io/array.h"

namespace fovea {

// How many of `patches` tokens are selected: keep_ratio of them, rounded half to even, at least 1.
int selected_patches(double keep_ratio, int patches);

// How many tokens of each window, of which the longest has `longest`: as many as of a full one,
// some of whose tokens may have merged.
int selected_in_window(double keep_ratio, const Windows& windows, int longest);

// Selects the best of every image's patches, by `scores`, one a row (larger is better; equal ones
// in their order, NaN last), and its first `protected_tokens` tokens in any case. keep_ratio: above
// 0, to 1.
Route select_tokens(const Sequences& sequences, std::span<const float> scores, int protected_tokens,
                    double keep_ratio);
// The same number of the best of every sequence, of one with fewer tokens all.
Route select_count(const Sequences& sequences, std::span<const float> scores, int count);

// The first `count` tokens of each image.
Route first_tokens(const Sequences& sequences, int count);

// Scores by which tokens get selected that are evenly spread over each image's patches.
std::vector<float> spread_scores(const Sequences& sequences, int protected_tokens,
                                 double keep_ratio);

// A route after a merge: a token is selected if any that it stands for was.
Route follow(const Route& route, const Plan& plan);

// The same tokens where rows are other sequences, or in other places: those of order.rows[i] now
// stand in row i.
Route regroup(const Route& route, const Sequences& sequences);
Route reorder(const Route& route, const Route& order);
// And back again: where the rows of a route were before that, as one sequence.
Route undo(const Route& route, const Route& order);

// A route as positions in each image's sequence, [B, K]: K is the most of any image; -1 behind
// those of an image with fewer.
IntArray positions_of(const Route& route, const Sequences& sequences);

}  // namespace fovea
