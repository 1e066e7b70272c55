// What a model's text may ask of a backend. One text under model/ and tokens/ runs on every type
// that fulfils this.
#pragma once

#include <concepts>
#include <optional>
#include <span>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/backend/input.h"
#include "fovea/backend/kinds.h"
#include "fovea/backend/plan.h"
#include "fovea/backend/positions.h"
#include "fovea/backend/profile.h"
#include "fovea/backend/projection.h"
#include "fovea/backend/token_state.h"
#include "fovea/backend/weight.h"
#include "fovea/io/array.h"

namespace fovea {

// Tensor: [B, T, C] activations, cheap to copy. Linear, Norm, Vector: weights of a linear layer, a
// LayerNorm, a value per channel. Rows: those of prefix tokens or of a table of positions, and
// Positions what an input takes of them. Qkv, Projection: the joint weights of queries, keys and
// values, and what they make of a tensor (Projected). Sight: what else counts in attention, with
// Relative and Decomposed, biases by relative position. kTrains: whether weights change between
// runs; kComputes: whether there are values at all, without which nothing is resampled. Sizes,
// states, plans, routes and sources are plain host data. The comments at Cpu's members say what
// each operation does.
template <class B>
concept Backend = requires(B b, const typename B::Tensor x, const typename B::Linear linear,
                           const typename B::Norm norm,
                           const std::optional<typename B::Norm> maybe_norm,
                           const typename B::Vector vector, const typename B::Qkv qkv,
                           const typename B::Sight sight, const typename B::Projection projection,
                           const Weight weight, const std::optional<BatchNorm> batch_norm,
                           std::span<const typename B::Rows> prefix, const typename B::Rows rows,
                           const PositionMap map, const typename B::Positions positions,
                           const Input input, std::span<const float> sizes,
                           std::span<const typename B::Tensor> many, const Plan plan,
                           const Route route, const TokenState state, std::span<const int> splits,
                           const Grid& grid) {
  { b.make_linear(weight, weight) } -> std::same_as<typename B::Linear>;
  { b.make_exact_linear(weight, weight) } -> std::same_as<typename B::Linear>;
  {
    b.make_convolution(weight, weight, batch_norm, RowOrder::channels_first)
    } -> std::same_as<typename B::Linear>;
  { b.make_gated_linear(weight, weight) } -> std::same_as<typename B::Linear>;
  { b.make_norm(weight, weight, 1e-6) } -> std::same_as<typename B::Norm>;
  { b.make_rms_norm(weight, 1e-6) } -> std::same_as<typename B::Norm>;
  { b.make_relative(weight, grid) } -> std::same_as<typename B::Relative>;
  { b.make_decomposed(weight, weight) } -> std::same_as<typename B::Decomposed>;
  { b.make_vector(weight) } -> std::same_as<typename B::Vector>;
  { b.make_rows(weight) } -> std::same_as<typename B::Rows>;
  { b.patches(input, grid, grid, splits) } -> std::same_as<typename B::Tensor>;
  { b.fold(x, 4) } -> std::same_as<typename B::Tensor>;
  { b.cross(rows, rows, rows) } -> std::same_as<typename B::Rows>;
  { b.positions(prefix, rows, map) } -> std::same_as<typename B::Positions>;
  { b.embed(x, positions) } -> std::same_as<typename B::Tensor>;
  { b.convolve(x, linear, grid, 2, Activation::gelu) } -> std::same_as<typename B::Tensor>;
  { b.linear(x, linear, Activation::gelu, Precision::product) } -> std::same_as<typename B::Tensor>;
  { b.add_linear(x, x, linear, vector) } -> std::same_as<typename B::Tensor>;
  { b.add_normed_linear(x, x, linear, norm) } -> std::same_as<typename B::Tensor>;
  { b.make_qkv(weight, weight, 1) } -> std::same_as<typename B::Qkv>;
  { b.project(x, maybe_norm, qkv, true) } -> std::same_as<typename B::Projection>;
  { b.project(x, x, maybe_norm, qkv, true) } -> std::same_as<typename B::Projection>;
  { b.columns(x, 0, 1) } -> std::same_as<typename B::Tensor>;
  { b.repeat(rows, 1) } -> std::same_as<typename B::Tensor>;
  {
    b.norm_linear(x, maybe_norm, linear, Activation::gelu, Precision::product)
    } -> std::same_as<typename B::Tensor>;
  { b.layer_norm(x, norm, Precision::single) } -> std::same_as<typename B::Tensor>;
  { b.head_norm(x, norm, 1) } -> std::same_as<typename B::Tensor>;
  { b.attention(projection, 1, state, sight) } -> std::same_as<typename B::Tensor>;
  { b.mean(many) } -> std::same_as<typename B::Tensor>;
  { b.merge(x, sizes, plan, MergeMode::weighted) } -> std::same_as<typename B::Tensor>;
  { b.keep_scores(x, linear, 1) } -> std::same_as<typename B::Tensor>;
  { b.gather(x, route) } -> std::same_as<typename B::Tensor>;
  { b.regroup(x, Sequences()) } -> std::same_as<typename B::Tensor>;
  { b.add_gated(x, x, x, vector) } -> std::same_as<typename B::Tensor>;
  { b.put(x, x, route) } -> std::same_as<typename B::Tensor>;
  { b.add_change(x, x, x, route, vector) } -> std::same_as<typename B::Tensor>;
  { b.token(x, 0) } -> std::same_as<typename B::Tensor>;
  { b.average(x, sizes, 1) } -> std::same_as<typename B::Tensor>;
  { b.concat_channels(x, x) } -> std::same_as<typename B::Tensor>;
  b.time(Work::merging);
  { B::kTrains } -> std::convertible_to<bool>;
  { B::kComputes } -> std::convertible_to<bool>;
  { b.sequences(x) } -> std::convertible_to<Sequences>;
  { b.read(x) } -> std::same_as<Array>;
};

// And what the choice of tokens that merge asks besides, of a backend that computes.
template <class B>
concept MatchingBackend = Backend<B> &&
    requires(B b, const typename B::Tensor x, const typename B::Sight sight,
             std::span<const typename B::Projection> projections, std::span<const float> sizes,
             const Partition partition, const Ranking ranking, const TokenState state,
             const Turns turns, const Array& rows_of_host) {
  { b.make_fixed_linear(rows_of_host) } -> std::same_as<typename B::Linear>;
  { b.make_fixed_norm(1, 1e-6) } -> std::same_as<typename B::Norm>;
  { b.rotate(x, 1, turns) } -> std::same_as<typename B::Tensor>;
  { b.head_mean(projections, QkvPart::k, 1) } -> std::same_as<typename B::Tensor>;
  { b.head_concat(projections, QkvPart::k) } -> std::same_as<typename B::Tensor>;
  { b.match(x, partition, Distance::cosine) } -> std::same_as<Edges>;
  { b.match_ranked(x, ranking, sizes, 0.5) } -> std::same_as<Edges>;
  { b.class_attention(projections, 1, state, sight) } -> std::same_as<std::vector<float>>;
  { b.class_attention_by_head(projections, 1, state, sight) } -> std::same_as<Array>;
  { b.write(rows_of_host) } -> std::same_as<typename B::Tensor>;
};

}  // namespace fovea
