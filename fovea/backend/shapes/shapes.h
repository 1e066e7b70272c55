// The backend that computes nothing: tensors are counts of tokens and channels, weights are their
// shapes, and operations add up what they would multiply.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "fovea/backend/grid.h"
#include "fovea/backend/input.h"
#include "fovea/backend/kinds.h"
#include "fovea/backend/plan.h"
#include "fovea/backend/positions.h"
#include "fovea/backend/profile.h"
#include "fovea/backend/projection.h"
#include "fovea/backend/token_state.h"
#include "fovea/backend/weight.h"
#include "fovea/backend/windows.h"
#include "fovea/io/array.h"

namespace fovea {

// [1, tokens, channels]
struct ShapesTensor {
  int64_t tokens = 0;
  int64_t width = 0;

  int64_t channels() const { return width; }
};

struct ShapesLinear {
  int64_t in = 0;
  int64_t rows = 0;  // of the weight
  int64_t out = 0;
};

struct ShapesDecomposed {
  int64_t entries = 0;  // of both tables
};

// Operations mean what those of Cpu (backend/cpu/cpu.h) mean, of one image. Weights may have no
// values (Array(shape, {})).
class Shapes {
 public:
  struct Nothing {};
  using Tensor = ShapesTensor;
  using Linear = ShapesLinear;
  using Norm = Nothing;
  using Qkv = ShapesLinear;
  using Projection = Projected<Tensor>;
  using Vector = Nothing;
  using Rows = Tensor;
  using Positions = int64_t;  // how many tokens stand before the patches
  using Relative = Nothing;
  using Decomposed = ShapesDecomposed;
  using Sight = fovea::Sight<Relative, Rows, Decomposed, Qkv>;
  static constexpr bool kTrains = false;
  static constexpr bool kComputes = false;

  // Of all matrix products so far.
  int64_t multiply_adds() const { return multiply_adds_; }

  static Linear make_linear(const Weight& weight, const Weight& /*bias*/) {
    const Shape& shape = weight.values.shape;
    return {elements(shape) / shape[0], shape[0], shape[0]};
  }
  static Linear make_exact_linear(const Weight& weight, const Weight& bias) {
    return make_linear(weight, bias);
  }
  static Linear make_gated_linear(const Weight& weight, const Weight& bias) {
    const Linear both = make_linear(weight, bias);
    return {both.in, both.rows, both.rows / 2};
  }
  static Linear make_convolution(const Weight& weight, const Weight& bias,
                                 const std::optional<BatchNorm>& /*norm*/, RowOrder /*order*/) {
    return make_linear(weight, bias);
  }
  static Linear make_unfolding(const Weight& weight, const Weight& /*bias*/) {
    const Shape& shape = weight.values.shape;
    const int64_t rows = elements(shape) / shape[0];
    return {shape[0], rows, rows};
  }
  static Qkv make_qkv(const Weight& weight, const Weight& bias, int /*heads*/) {
    return make_linear(weight, bias);
  }
  static Norm make_norm(const Weight& /*gamma*/, const Weight& /*beta*/, double /*eps*/) {
    return {};
  }
  static Norm make_rms_norm(const Weight& /*gamma*/, double /*eps*/) { return {}; }
  static Relative make_relative(const Weight& /*weight*/, const Grid& /*grid*/) { return {}; }
  static Decomposed make_decomposed(const Weight& rows, const Weight& columns) {
    return {rows.values.shape[0] + columns.values.shape[0]};
  }
  static Vector make_vector(const Weight& /*values*/) { return {}; }
  static Rows make_rows(const Weight& rows) {
    const int64_t width = rows.values.shape.back();
    return {elements(rows.values.shape) / width, width};
  }
  static void make_fixed(const Weight& /*weight*/) {}

  static Tensor patches(const Input& input, const Grid& patch, const Grid& step,
                        std::span<const int> splits) {
    int64_t pieces = 1;
    for (const int split : splits) pieces *= int64_t{split} * split;
    return {places_within(input.grid, patch, step).size() * pieces,
            input.channels * patch.size() / pieces};
  }
  static Tensor fold(const Tensor& x, int count) { return {x.tokens / count, x.width * count}; }
  static Tensor unfold(const Tensor& x, int count) { return {x.tokens * count, x.width / count}; }
  static Rows cross(const Rows& leading, const Rows& outer, const Rows& inner) {
    return {leading.tokens + outer.tokens * inner.tokens, outer.width};
  }
  static Positions positions(std::span<const Rows> prefix, const Rows& /*table*/,
                             const PositionMap& /*map*/) {
    int64_t tokens = 0;
    for (const Rows& rows : prefix) tokens += rows.tokens;
    return tokens;
  }
  static Tensor embed(const Tensor& patches, Positions positions) {
    return {positions + patches.tokens, patches.width};
  }

  Tensor convolve(const Tensor& /*x*/, const Linear& w, const Grid& grid, int stride,
                  Activation /*activation*/ = Activation::none) {
    return multiply({(grid / Grid(stride, stride)).size(), w.in}, w);
  }
  Tensor linear(const Tensor& x, const Linear& w, Activation /*activation*/ = Activation::none,
                Precision /*precision*/ = Precision::single) {
    return multiply(x, w);
  }
  Tensor norm_linear(const Tensor& x, const std::optional<Norm>& /*norm*/, const Linear& w,
                     Activation /*activation*/ = Activation::none,
                     Precision /*precision*/ = Precision::product) {
    return multiply(x, w);
  }
  Tensor add_linear(const Tensor& /*x*/, const Tensor& h, const Linear& w,
                    const Vector& /*scale*/) {
    return multiply(h, w);
  }
  Tensor add_normed_linear(const Tensor& /*x*/, const Tensor& h, const Linear& w,
                           const Norm& /*norm*/) {
    return multiply(h, w);
  }
  static Tensor layer_norm(const Tensor& x, const Norm& /*norm*/,
                           Precision /*precision*/ = Precision::single) {
    return x;
  }
  static Tensor head_norm(const Tensor& x, const Norm& /*norm*/, int /*heads*/) { return x; }
  Projection project(const Tensor& x, const std::optional<Norm>& norm, const Qkv& w, bool matched) {
    return project(x, x, norm, w, matched);
  }
  Projection project(const Tensor& asking, const Tensor& x, const std::optional<Norm>& /*norm*/,
                     const Qkv& w, bool /*matched*/) {
    const Linear part = {w.in, w.rows / 3, w.out / 3};
    return {multiply(asking, part), multiply(x, part), multiply(x, part)};
  }
  static Tensor columns(const Tensor& x, int64_t /*begin*/, int64_t count) {
    return {x.tokens, count};
  }
  static Tensor repeat(const Rows& rows, int64_t /*batch*/) { return rows; }
  static Tensor join(std::span<const Rows> tables) {
    int64_t tokens = 0;
    for (const Rows& table : tables) tokens += table.tokens;
    return {tokens, tables[0].width};
  }
  static Tensor norm_activation(const Tensor& x, const Norm& /*norm*/, Activation /*activation*/,
                                Precision /*precision*/ = Precision::single) {
    return x;
  }
  static Tensor add(const Tensor& x, const Tensor& /*y*/,
                    Precision /*precision*/ = Precision::single) {
    return x;
  }
  Tensor product(const Tensor& x, const Tensor& w) {
    multiply_adds_ += x.tokens * w.tokens * x.width;
    return {x.tokens, w.tokens};
  }
  Tensor attention(const Projection& seen, int /*heads*/, const TokenState& state,
                   const Sight& sight = {}) {
    const double pairs = state.window > 0 ? pairs_in_windows(seen.q.tokens, seen.k.tokens, state)
                                          : static_cast<double>(seen.q.tokens * seen.k.tokens);
    multiply_adds_ +=
        static_cast<int64_t>(pairs * static_cast<double>(seen.k.width + seen.v.width));
    // Each query needs one row of a table for each row, and each column, of what it may see.
    if (sight.decomposed) {
      multiply_adds_ += seen.q.tokens * (sight.decomposed->entries / 2 + 1) * seen.k.width;
    }
    return {seen.q.tokens, seen.v.width};
  }

  static Tensor mean(std::span<const Tensor> x) { return x[0]; }
  static Tensor merge(const Tensor& x, std::span<const float> /*sizes*/, const Plan& plan,
                      MergeMode /*mode*/) {
    return {plan.first.back(), x.width};
  }
  Tensor keep_scores(const Tensor& x, const Linear& w, int /*protected_tokens*/) {
    return {multiply(x, w).tokens, 1};
  }
  static Tensor gather(const Tensor& x, const Route& route) {
    return {static_cast<int64_t>(route.rows.size()), x.width};
  }
  static Tensor regroup(const Tensor& x, const Sequences& /*first*/) { return x; }
  static Tensor add_gated(const Tensor& x, const Tensor& /*update*/, const Tensor& /*scores*/,
                          const Vector& /*alpha*/) {
    return x;
  }
  static Tensor put(const Tensor& x, const Tensor& /*rows*/, const Route& /*route*/) { return x; }
  static Tensor add_change(const Tensor& x, const Tensor& /*before*/, const Tensor& /*after*/,
                           const Route& /*route*/, const Vector& /*gamma*/) {
    return x;
  }
  static Tensor token(const Tensor& x, int /*index*/) { return {1, x.width}; }
  static Tensor average(const Tensor& x, std::span<const float> /*sizes*/, int /*prefix*/) {
    return {1, x.width};
  }
  static Tensor concat_channels(const Tensor& a, const Tensor& b) {
    return {a.tokens, a.width + b.width};
  }

  static Timed time(Work work) { return {nullptr, work}; }
  static Sequences sequences(const Tensor& x) { return {0, static_cast<int32_t>(x.tokens)}; }
  static Tensor keep(const Tensor& x) { return x; }
  static Tensor write(const Array& rows) { return {rows.shape[0], rows.shape[1]}; }
  // Zeros: all tokens are alike.
  static Array read(const Tensor& x) { return Array({x.tokens, x.width}); }

 private:
  // Of queries and keys that keep within their windows, an even share of them in each; a key stands
  // for what pads one.
  static double pairs_in_windows(int64_t queries, int64_t keys, const TokenState& state) {
    const Windows windows(state.grid, state.window);
    double pairs = 0;
    for (int i = 0; i < windows.count(); ++i) {
      const Window window = windows.at(i);
      const double share = static_cast<double>(window.rows) * window.columns /
                           static_cast<double>(state.grid.size());
      const double padding = window.is_padded(state.window) ? 1 : 0;
      pairs += share * static_cast<double>(queries) * (share * static_cast<double>(keys) + padding);
    }
    return pairs;
  }

  Tensor multiply(const Tensor& x, const Linear& w) {
    multiply_adds_ += x.tokens * w.in * w.rows;
    return {x.tokens, w.out};
  }

  int64_t multiply_adds_ = 0;
};

}  // namespace fovea
