// Multi-head self-attention of a pre-norm block, in one or several parallel branches.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fovea/backend/backend.h"
#include "fovea/model/architecture.h"
#include "fovea/model/weights.h"
#include "fovea/tokens/reduction.h"

namespace fovea {

template <Backend B>
typename B::Linear read_linear(B& b, WeightSource& weights, const std::string& name, int64_t in,
                               int64_t out) {
  return b.make_linear(weights.named(name + ".weight", {out, in}),
                       weights.named(name + ".bias", {out}));
}

template <Backend B>
typename B::Norm read_norm(B& b, WeightSource& weights, const std::string& name, int64_t channels,
                           double eps) {
  return b.make_norm(weights.named(name + ".weight", {channels}),
                     weights.named(name + ".bias", {channels}), eps);
}

// What the tensors of attention, or of an MLP, are called.
struct PartNames {
  std::string norm;   // before it
  std::string part;   // itself
  std::string scale;  // LayerScale behind it

  static PartNames attention(int layer, int branch) { return of(layer, "attns", branch, "attn"); }
  static PartNames mlp(int layer, int branch) { return of(layer, "ffns", branch, "mlp"); }

 private:
  static PartNames of(int layer, const char* kind, int branch, const char* part) {
    const std::string name =
        "blocks." + std::to_string(layer) + "." + kind + "." + std::to_string(branch) + ".";
    return {name + "norm", name + part, name + "ls.gamma"};
  }
};

// LayerScale's factor per channel; empty (1 everywhere) where the model has none.
template <Backend B>
typename B::Vector read_scale(B& b, WeightSource& weights, const PartNames& names,
                              const BlockShape& shape) {
  if (!shape.layer_scale) return {};
  return b.make_vector(weights.named(names.scale, {shape.width}));
}

template <Backend B>
struct Attention {
  typename B::Norm norm;
  typename B::Qkv qkv;
  typename B::Linear proj;
  typename B::Vector scale;
  int heads = 1;

  static Attention load(B& b, WeightSource& weights, const PartNames& names,
                        const BlockShape& shape) {
    const int64_t width = shape.attention_width();
    return {read_norm(b, weights, names.norm, shape.width, shape.eps),
            b.make_qkv(weights.named(names.part + ".qkv.weight", {3 * width, shape.width}),
                       weights.named(names.part + ".qkv.bias", {3 * width}), shape.heads),
            read_linear(b, weights, names.part + ".proj", width, shape.width),
            read_scale(b, weights, names, shape), shape.heads};
  }
};

// What attention of every branch sees of x [B, T, C].
template <Backend B>
Seen<B> look_at(B& b, const typename B::Tensor& x, const std::vector<Attention<B>>& branches,
                Wanted wanted) {
  Seen<B> seen;
  seen.heads = branches[0].heads;
  for (const Attention<B>& branch : branches) {
    if (wanted.qkv) {
      seen.qkv.push_back(b.project(x, branch.norm, branch.qkv, wanted.matched));
    }
    if (wanted.normed) seen.normed.push_back(b.layer_norm(x, branch.norm));
  }
  return seen;
}

// Softmax attention of tokens that all ask, [B, T, C], within each window where there are some;
// log_sizes: of tokens that see all of their image.
template <Backend B>
typename B::Tensor attention_within(B& b, const typename B::Projection& seen,
                                    const typename B::Qkv& weights, int heads,
                                    std::span<const float> log_sizes, const Windows* windows) {
  if (windows == nullptr) return b.attention(seen, heads, log_sizes);
  const typename B::Projection apart = b.window(seen, weights, *windows);
  return b.gather(b.attention(apart, heads, windows->log_sizes), windows->back);
}

// x [B, T, C] + the sum over branches of scale * proj(softmax(q k' / sqrt d + log sizes) v), all
// branches having seen the same x. windows: within which tokens see each other, or null.
template <Backend B>
typename B::Tensor attend(B& b, typename B::Tensor x, const std::vector<Attention<B>>& branches,
                          const Seen<B>& seen, std::span<const float> log_sizes,
                          const Windows* windows = nullptr) {
  for (size_t i = 0; i < branches.size(); ++i) {
    const typename B::Tensor attended =
        attention_within(b, seen.qkv[i], branches[i].qkv, seen.heads, log_sizes, windows);
    x = b.add_linear(std::move(x), attended, branches[i].proj, branches[i].scale);
  }
  return x;
}

}  // namespace fovea
