// Reduction on the backend that computes nothing: as many tokens leave each layer as it is told.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "fovea/backend/shapes/shapes.h"
#include "fovea/tokens/reduction.h"

namespace fovea {

template <>
class Reduction<Shapes> {
 public:
  // layer_tokens: that leave each layer; it and the course must outlive this. tokens: of the
  // embedded input, the first `protected_tokens` of which never merge.
  Reduction(const MergeCourse& course, std::span<const int32_t> layer_tokens, int tokens,
            int protected_tokens)
      : course_(course),
        layer_tokens_(layer_tokens),
        tokens_(tokens),
        protected_(protected_tokens) {}

  // Where layers have windows of this grid.
  void place(const Grid& grid, int window) {
    state_.grid = grid;
    window_ = window;
  }
  Shapes::Tensor arrange(
      Shapes& /*b*/, const Shapes::Tensor& x, int side,
      const std::function<void(const Route&)>& /*moved*/ = [](const Route& /*order*/) {}) {
    state_.window = side;
    return x;
  }

  Sequences images() const { return {0, tokens_}; }
  int window() const { return window_; }
  // As many as are selected, the first ones.
  Route select(std::span<const float> ranks, double keep_ratio) const {
    if (window_ == 0) return select_tokens({0, tokens_}, ranks, protected_, keep_ratio);
    const Windows windows(state_.grid, window_);
    const auto in = [&](const Window& window) {  // an even share of what is left
      return static_cast<int>(std::lround(static_cast<double>(window.rows) * window.columns *
                                          tokens_ / static_cast<double>(state_.grid.size())));
    };
    const int each = selected_in_window(keep_ratio, windows, in(windows.at(0)));
    int count = 0;
    for (int i = 0; i < windows.count(); ++i) count += std::min(each, in(windows.at(i)));
    Route route{{0, count}, std::vector<int32_t>(count)};
    std::iota(route.rows.begin(), route.rows.end(), 0);
    return route;
  }
  Shapes::Tensor leave(Shapes& /*b*/, const Shapes::Tensor& x, int layer) {
    if (!unmerges_behind(course_.options, layer)) return x;
    tokens_ = static_cast<int>(state_.grid.size());
    return {tokens_, x.width};
  }

  const TokenState& state() const { return state_; }
  const Turns& turns(const Rotation& /*rotation*/, int /*layer*/, int64_t /*width*/) const {
    return turns_;
  }
  static std::span<const float> sizes() { return {}; }
  Wanted wanted() const { return course_.wanted; }
  static void saw(Shapes& /*b*/, const Seen<Shapes>& /*seen*/, int /*layer*/) {}

  bool reduces(int layer, Placement placement) const {
    return placement == course_.options.placement &&
           count_taken(course_.options, course_.r[layer], tokens_, protected_) > 0;
  }
  std::vector<int> leaving(int layer) const { return {layer_tokens_[layer]}; }
  Shapes::Tensor reduce(Shapes& /*b*/, const Shapes::Tensor& x, const Seen<Shapes>& /*seen*/,
                        int layer) {
    tokens_ = layer_tokens_[layer];
    return {tokens_, x.width};
  }

  // The first tokens stay, the last ones go: of those that are routed as few as can be. No more is
  // said than who goes where.
  std::optional<Plan> plan(Shapes& /*b*/, const Seen<Shapes>& /*seen*/, int layer) const {
    const int left = layer_tokens_[layer];
    if (left == tokens_) return std::nullopt;
    Plan plan{{0, left}, std::vector<int32_t>(tokens_, -1), {}, {}};
    std::iota(plan.target.begin(), plan.target.begin() + left, 0);
    return plan;
  }
  static Shapes::Tensor merge(Shapes& b, const Shapes::Tensor& x, const Plan& plan) {
    return b.merge(x, {}, plan, MergeMode::weighted);
  }
  void follow(const Plan& plan) { tokens_ = plan.first.back(); }

 private:
  const MergeCourse& course_;
  std::span<const int32_t> layer_tokens_;
  int tokens_;
  int protected_;
  int window_ = 0;
  TokenState state_;
  Turns turns_;
};

}  // namespace fovea
