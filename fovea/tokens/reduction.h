// The course of merging through one run: how many in each layer, by which feature, and what became
// of every position.
#pragma once

#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "fovea/backend/backend.h"
#include "fovea/tokens/matching.h"
#include "fovea/tokens/options.h"
#include "fovea/tokens/sources.h"

namespace fovea {

// What a block's attention saw, branch by branch.
template <Backend B>
struct Seen {
  std::vector<typename B::Tensor> normed;  // inputs of attention, after norm1: [B, T, C]
  std::vector<typename B::Tensor> qkv;     // joint queries, keys, values: [B, T, 3 C]
  int heads = 1;
};

// The feature by which tokens are alike (the paper's table 1a): [B, T, F].
template <Backend B>
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
    case Metric::k:
      break;
  }
  return b.head_mean(seen.qkv, QkvPart::k, seen.heads);
}

template <Backend B>
class Reduction {
 public:
  // sequences: of the embedded input; the first `protected_tokens` of every image never merge.
  Reduction(const MergeOptions& options, const Sequences& sequences, int protected_tokens,
            int depth)
      : options_(options),
        schedule_(layer_schedule(options.schedule, depth)),
        protected_(protected_tokens),
        sequences_(sequences),
        sizes_(sequences.back(), 1.0F),
        sources_(sequences) {}

  // Logarithms of the sizes for proportional attention (the paper's equation 1); empty where all
  // are 1 or it is off.
  std::span<const float> log_sizes() const { return log_sizes_; }
  std::span<const float> sizes() const { return sizes_; }
  const Sources& sources() const { return sources_; }
  // Whether `Seen::normed` is wanted.
  bool needs_input() const { return options_.metric == Metric::x; }

  // Merges the tokens of x [B, T, C] as layer `layer` (from 0) is to, following what its attention
  // saw.
  typename B::Tensor reduce(B& b, typename B::Tensor x, const Seen<B>& seen, int layer) {
    const int r = schedule_[layer];
    if (r == 0) return x;
    [[maybe_unused]] const auto timed = b.time(Work::merging);
    const Partition partition = alternate(sequences_, protected_);
    const Edges edges =
        b.match(similarity_feature(b, seen, options_.metric), partition, options_.distance);
    const Plan plan = bipartite_plan(sequences_, partition, edges, r, protected_);
    x = b.merge(x, sizes_, plan, options_.merge);
    follow(plan);
    return x;
  }

 private:
  void follow(const Plan& plan) {
    sizes_ = merge_sizes(sizes_, plan);
    sources_.apply(plan);
    sequences_ = plan.first;
    if (!options_.prop_attn) return;
    log_sizes_.resize(sizes_.size());
    for (size_t i = 0; i < sizes_.size(); ++i) log_sizes_[i] = std::log(sizes_[i]);
  }

  MergeOptions options_;
  std::vector<int> schedule_;
  int protected_;
  Sequences sequences_;
  std::vector<float> sizes_;
  std::vector<float> log_sizes_;
  Sources sources_;
};

}  // namespace fovea
