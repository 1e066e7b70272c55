// The course of merging through one run: how many in each layer, by which feature, and what became
// of every position.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "fovea/backend/backend.h"
#include "fovea/backend/grid.h"
#include "fovea/tokens/counts.h"
#include "fovea/tokens/course.h"
#include "fovea/tokens/foveal.h"
#include "fovea/tokens/greedy.h"
#include "fovea/tokens/kmeans.h"
#include "fovea/tokens/matching.h"
#include "fovea/tokens/options.h"
#include "fovea/tokens/partitions.h"
#include "fovea/tokens/places.h"
#include "fovea/tokens/plans.h"
#include "fovea/tokens/prune.h"
#include "fovea/tokens/routing.h"
#include "fovea/tokens/salience.h"
#include "fovea/tokens/sources.h"
#include "fovea/tokens/window_order.h"

namespace fovea {

// What a block's attention saw, branch by branch; empty where it isn't wanted.
template <Backend B>
struct Seen {
  std::vector<typename B::Tensor> normed;   // inputs of attention, after norm1: [B, T, C]
  std::vector<typename B::Projection> qkv;  // queries, keys and values
  int heads = 1;
  typename B::Sight sight = {};
  std::shared_ptr<const typename B::Relative> relative = {};  // that of the sight, or none
  std::shared_ptr<const typename B::Decomposed> decomposed = {};
};

// The mean over heads and branches of keys as attention turns them.
template <MatchingBackend B>
typename B::Tensor rotated_keys(B& b, const Seen<B>& seen) {
  std::vector<typename B::Tensor> means;
  for (const typename B::Projection& branch : seen.qkv) {
    typename B::Projection alone;
    alone.k = b.rotate(branch.k, seen.heads, *seen.sight.turns);
    means.push_back(b.head_mean(std::span(&alone, 1), QkvPart::k, seen.heads));
  }
  return b.mean(means);
}

// The feature by which tokens are alike (the paper's table 1a): [B, T, F].
template <MatchingBackend B>
typename B::Tensor similarity_feature(B& b, const Seen<B>& seen, Metric metric) {
  switch (metric) {
    case Metric::q:
      return b.head_mean(seen.qkv, QkvPart::q, seen.heads);
    case Metric::v:
      return b.head_mean(seen.qkv, QkvPart::v, seen.heads);
    case Metric::x:
      return b.mean(seen.normed);
    case Metric::k_concat:
      return b.head_concat(seen.qkv, QkvPart::k);
    case Metric::k_rotated:
      if (seen.sight.turns != nullptr) return rotated_keys(b, seen);
      break;
    case Metric::k:
      break;
  }
  return b.head_mean(seen.qkv, QkvPart::k, seen.heads);
}

// What the class token attended to in one layer.
struct ClassAttention {
  Sequences first;
  Array rows;  // [rows, heads], those of parallel branches one after the other
};

// What foveal merging compares tokens by in one layer: [B, T, C] to [B, T, F].
template <Backend B>
struct Reader {
  std::optional<typename B::Norm> norm;  // where the layers that read the tokens have one before
  typename B::Linear projection;
};

template <Backend B>
class Reduction;

template <MatchingBackend B>
class Reduction<B> {
 public:
  // sequences: of the embedded input; the first `protected_tokens` of every image never merge, and
  // have no place.
  Reduction(MergeCourse course, const Sequences& sequences, int protected_tokens)
      : options_(course.options),
        schedule_(std::move(course.r)),
        wanted_(course.wanted),
        protected_(protected_tokens),
        sequences_(sequences),
        sizes_(sequences.back(), 1.0F),
        sources_(sequences) {
    state_.prefix = protected_tokens;
  }

  // For models whose attention knows where tokens are: on a grid of patches behind the protected
  // tokens. carry: what a merged token's place is. window: the side of windows that some layers
  // have; 0: all layers see whole images.
  void place(const Grid& grid, Carry carry, int window = 0) {
    window_ = window;
    state_.grid = grid;
    state_.places = places_of(sequences_, state_.prefix, grid);
    carry_ = carry;
  }

  // x [B, T, C] as the sequences that a layer's attention stays within: windows of `side`, row by
  // row over each image, or (0) whole images. moved(order): told where tokens take other places.
  typename B::Tensor arrange(
      B& b, typename B::Tensor x, int side,
      const std::function<void(const Route&)>& moved = [](const Route& /*order*/) {}) {
    if (side == state_.window) return x;
    sequences_ = images();
    state_.window = side;
    per_image_ = 1;
    if (side == 0) return b.regroup(x, sequences_);
    const Windows windows(state_.grid, side);
    Route order = window_order(sequences_, state_.places, windows);
    per_image_ = windows.count();
    sequences_ = order.first;
    if (stays(order)) return b.regroup(x, sequences_);
    reorder(order.rows);
    moved(order);
    return b.gather(x, order);
  }

  // The side of windows that some layers have; 0: none has.
  int window() const { return window_; }
  // The tokens that a predictor of a big.LITTLE ViT selects by their ranks: of each image a share
  // of its patches, and its protected tokens. Where there are windows, which x must be arranged in,
  // of each the same number, that share of a full one.
  Route select(std::span<const float> ranks, double keep_ratio) const {
    if (window_ == 0) return select_tokens(sequences_, ranks, protected_, keep_ratio);
    int longest = 0;
    for (int i = 0; i < per_image_; ++i) {
      longest = std::max(longest, sequences_[i + 1] - sequences_[i]);
    }
    return select_count(sequences_, ranks,
                        selected_in_window(keep_ratio, Windows(state_.grid, window_), longest));
  }

  // What is to be done behind layer `layer` (from 0): every position gets a token of its own again,
  // a copy of the one that it was part of, where that is wanted.
  typename B::Tensor leave(B& b, typename B::Tensor x, int layer) {
    const bool is_merged = std::ranges::any_of(sizes_, [](float size) { return size != 1; });
    if (!is_merged || !unmerges_behind(options_, layer)) return x;
    x = arrange(b, std::move(x), 0);
    const Route route = everyone();
    sequences_ = route.first;
    sizes_.assign(sequences_.back(), 1.0F);
    sources_ = Sources(sequences_);
    state_.log_sizes.clear();
    state_.places = places_of(sequences_, state_.prefix, state_.grid);
    return b.gather(x, route);
  }

  // Of every layer, for Method::foveal; they must outlive this.
  void set_readers(std::span<const Reader<B>> readers) { readers_ = readers; }

  // Layers, counted from 1, of which to keep what the class token attends to.
  void keep_attention(std::vector<int> layers) { attention_layers_ = std::move(layers); }
  // To be told what attention of layer `layer` (from 0) sees before it attends.
  void saw(B& b, const Seen<B>& seen, int layer) {
    if (std::ranges::find(attention_layers_, layer + 1) == attention_layers_.end()) return;
    attention_.insert_or_assign(
        layer + 1, ClassAttention{sequences_, b.class_attention_by_head(seen.qkv, seen.heads,
                                                                        state_, seen.sight)});
  }
  const std::map<int, ClassAttention>& attention() const { return attention_; }

  // What attention is to know of the tokens: logarithms of sizes for proportional attention (the
  // paper's equation 1), none where all are 1 or it is off; and places.
  const TokenState& state() const { return state_; }
  // By what a layer turns the queries and keys, of `width` channels a head, of these tokens. Holds
  // until tokens merge.
  const Turns& turns(const Rotation& rotation, int layer, int64_t width) const {
    const bool is_own = rotation.kind == RotationKind::mixed && turned_layer_ != layer;
    if (!turns_ || is_own || !turned_rows_.empty()) {
      const bool has_earlier = turns_ && !is_own;
      std::optional<EarlierTurns> earlier;
      if (has_earlier) earlier.emplace(EarlierTurns{*turns_, turned_rows_});
      turns_ = turns_of(rotation, layer, sequences_, state_.places, state_.prefix, state_.grid,
                        width, earlier ? &*earlier : nullptr);
      turned_layer_ = layer;
      turned_rows_.clear();
    }
    return *turns_;
  }
  std::span<const float> sizes() const { return sizes_; }
  // Where the tokens of each image lie, whatever sequences they are in.
  Sequences images() const {
    Sequences first;
    for (size_t i = 0; i < sequences_.size(); i += per_image_) first.push_back(sequences_[i]);
    return first;
  }
  // The way back: for every position of the input its token. None may have been dropped.
  Route everyone() const {
    const Sequences first = images();
    Route route{{0}, {}};
    for (size_t image = 0; image < sources_.batch(); ++image) {
      for (const int32_t token : sources_.of(image)) route.rows.push_back(first[image] + token);
      route.first.push_back(static_cast<int32_t>(route.rows.size()));
    }
    return route;
  }
  const Sources& sources() const { return sources_; }
  // What `reduce` goes by.
  Wanted wanted() const { return wanted_; }

  // Whether tokens go at this place of layer `layer` (from 0).
  bool reduces(int layer, Placement placement) const {
    if (placement != options_.placement) return false;
    for (size_t image = 0; image + 1 < sequences_.size(); ++image) {
      if (taken(image, layer) > 0) return true;
    }
    return false;
  }

  // How many tokens of each image will leave layer `layer`, before it has merged any. A threshold
  // must not be what decides.
  std::vector<int> leaving(int layer) const {
    std::vector<int> counts;
    for (size_t image = 0; image + 1 < sequences_.size(); ++image) {
      counts.push_back(sequences_[image + 1] - sequences_[image] - taken(image, layer));
    }
    return counts;
  }

  // Merges the tokens of x [B, T, C] as layer `layer` is to, following what attention saw of them.
  typename B::Tensor reduce(B& b, typename B::Tensor x, const Seen<B>& seen, int layer) {
    if (options_.method == Method::foveal) return reduce_in_rounds(b, x, seen, layer);
    const std::optional<Plan> found = plan(b, seen, layer);
    if (!found) return x;
    x = merge(b, x, *found);
    follow(*found);
    return x;
  }

  // The same step by step, where several tensors of the same tokens merge alike. Who merges; none
  // where nothing is alike enough.
  std::optional<Plan> plan(B& b, const Seen<B>& seen, int layer) {
    [[maybe_unused]] const auto timed = b.time(Work::merging);
    Plan found = plan_for(b, seen, layer);
    if (found.first == sequences_) return std::nullopt;
    return found;
  }
  typename B::Tensor merge(B& b, const typename B::Tensor& x, const Plan& plan) const {
    [[maybe_unused]] const auto timed = b.time(Work::merging);
    return b.merge(x, sizes_, plan, options_.merge);
  }
  // Once all have merged.
  void follow(const Plan& plan) {
    if (!state_.places.empty()) state_.places = merge_places(state_.places, sizes_, plan, carry_);
    if (turns_) turned_rows_ = unmoved(turned_rows_, plan);
    sizes_ = merge_sizes(sizes_, plan);
    sources_.apply(plan, per_image_);
    sequences_ = plan.first;
    if (options_.prop_attn) count_sizes();
  }

 private:
  // Foveal merging: in each round tokens go to those that matter more, by what reads them next. x
  // itself is merged once, by the shares that its tokens have after all rounds.
  typename B::Tensor reduce_in_rounds(B& b, const typename B::Tensor& x, const Seen<B>& seen,
                                      int layer) {
    [[maybe_unused]] const auto timed = b.time(Work::merging);
    const FovealOptions& parts = options_.foveal;
    std::vector<int> counts;
    for (size_t image = 0; image + 1 < sequences_.size(); ++image) {
      counts.push_back(taken(image, layer));
    }
    std::vector<float> attention = b.class_attention(seen.qkv, seen.heads, state_, seen.sight);
    relate_to_mean(attention, sequences_, protected_);
    typename B::Tensor feature = b.norm_linear(x, readers_[layer].norm, readers_[layer].projection);
    std::optional<Plan> whole;
    std::vector<float> shares;
    for (int round = 0; round < parts.rounds; ++round) {
      std::vector<int> going;
      for (const int count : counts) {
        going.push_back(count * (round + 1) / parts.rounds - count * round / parts.rounds);
      }
      const Ranking ranking = rank_tokens(sequences_, protected_, parts.pairing, attention);
      const Edges edges = b.match_ranked(feature, ranking, sizes_, parts.size);
      const Plan plan = foveal_plan(sequences_, ranking, edges, attention, going, parts);
      const std::vector<float> weights = foveal_weights(attention, sizes_, parts);
      follow_shares(whole, plan, weights, shares);
      whole = whole ? compose(*whole, plan) : plan;
      if (round + 1 < parts.rounds) feature = b.merge(feature, weights, plan, MergeMode::weighted);
      attention = merge_sizes(attention, plan);
      follow(plan);
    }
    return b.merge(x, shares, *whole, MergeMode::rescaled);
  }

  int taken(size_t image, int layer) const {
    return count_taken(options_, amount(image, layer), sequences_[image + 1] - sequences_[image],
                       protected_);
  }

  Amount amount(size_t image, int layer) const {
    const Amount& r = schedule_[layer];
    if (window_ == 0) return r;
    const Windows windows(state_.grid, window_);
    if (state_.window == 0) return amount_over_all(r, windows);
    return amount_in(r, windows.at(static_cast<int>(image % per_image_)), window_);
  }

  void count_sizes() {
    state_.log_sizes.resize(sizes_.size());
    for (size_t i = 0; i < sizes_.size(); ++i) state_.log_sizes[i] = std::log(sizes_[i]);
  }

  // Tokens stand in other rows; rows: where each was.
  void reorder(std::span<const int32_t> rows) {
    const auto moved = [&](const auto& old) {
      auto now = old;
      for (size_t i = 0; i < old.size(); ++i) now[i] = old[rows[i]];
      return now;
    };
    sizes_ = moved(sizes_);
    state_.places = moved(state_.places);
    state_.log_sizes = moved(state_.log_sizes);
    sources_.reorder(rows);
  }

  Plan plan_for(B& b, const Seen<B>& seen, int layer) {
    if (options_.matching == Matching::bipartite) {
      const Partition partition = split(layer);
      Edges drawn = edges(b, seen, partition);
      if (options_.score == Scoring::salience) {
        spare_salient(drawn, partition, sequences_, protected_,
                      b.class_attention(seen.qkv, seen.heads, state_, seen.sight));
      }
      std::vector<Amount> amounts;
      for (size_t image = 0; image + 1 < sequences_.size(); ++image) {
        amounts.push_back(amount(image, layer));
      }
      return bipartite_plan(sequences_, partition, drawn, amounts, protected_, options_.threshold);
    }
    std::vector<int> counts;
    for (size_t image = 0; image + 1 < sequences_.size(); ++image) {
      counts.push_back(taken(image, layer));
    }
    if (options_.matching == Matching::kth || options_.matching == Matching::random_bipartite) {
      const Partition partition = options_.matching == Matching::kth
                                      ? every_kth(sequences_, protected_, options_.k)
                                      : draw_partition(sequences_, protected_, counts, draw(layer));
      return merge_all(sequences_, partition, edges(b, seen, partition));
    }
    return plan_of(sequences_, leaders(b, seen, layer, counts));
  }

  Partition split(int layer) const {
    switch (options_.partition) {
      case Partitioning::sequential:
        return halve(sequences_, protected_);
      case Partitioning::random:
        return draw_half(sequences_, protected_, draw(layer));
      case Partitioning::alternate:
        break;
    }
    return alternate(sequences_, protected_);
  }

  Edges edges(B& b, const Seen<B>& seen, const Partition& partition) const {
    return b.match(similarity_feature(b, seen, options_.metric), partition, options_.distance);
  }

  // Of the matchings that draw no edges from A to B.
  Leaders leaders(B& b, const Seen<B>& seen, int layer, const std::vector<int>& counts) const {
    if (options_.matching == Matching::random_prune) {
      return prune_at_random(sequences_, protected_, counts, draw(layer));
    }
    if (options_.matching == Matching::attention_prune) {
      return prune_least(sequences_, protected_, counts,
                         b.class_attention(seen.qkv, seen.heads, state_, seen.sight));
    }
    Features features(b.read(similarity_feature(b, seen, options_.metric)));
    if (options_.matching == Matching::kmeans) {
      return match_kmeans(sequences_, protected_, counts, features, sizes_, options_.distance);
    }
    return match_greedily(sequences_, protected_, counts, std::move(features), sizes_,
                          options_.distance);
  }

  Draw draw(int layer) const { return {options_.seed, layer}; }

  MergeOptions options_;
  std::span<const Reader<B>> readers_;
  std::vector<Amount> schedule_;
  Wanted wanted_;
  int protected_;
  Sequences sequences_;
  std::vector<float> sizes_;
  TokenState state_;
  int window_ = 0;     // side of the windows that some layers have; 0: none has
  int per_image_ = 1;  // sequences that make up an image
  Carry carry_ = Carry::mean;
  mutable std::optional<Turns> turns_;  // of turned_layer_, or of all layers
  // Since these: of each token the row that was in its place, or -1; empty: none has merged.
  mutable std::vector<int32_t> turned_rows_;
  mutable int turned_layer_ = 0;
  Sources sources_;
  std::vector<int> attention_layers_;
  std::map<int, ClassAttention> attention_;  // by those layers
};

}  // namespace fovea
