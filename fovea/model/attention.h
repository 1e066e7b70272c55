// Multi-head self-attention of a pre-norm block, in one or several parallel branches.
#pragma once

#include <memory>
#include <optional>
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
  int64_t head_width = 0;  // channels of one, of queries and keys
  // Of what a family may have: norms of each head's queries and keys, rotation, relative biases.
  std::optional<typename B::Norm> q_norm, k_norm;
  std::shared_ptr<const Rotation> rotation;
  std::shared_ptr<const typename B::Relative> relative;
  int layer = 0;

  static Attention load(B& b, WeightSource& weights, const PartNames& names,
                        const BlockShape& shape) {
    const int64_t width = shape.attention_width();
    return {read_norm(b, weights, names.norm, shape.width, shape.eps),
            b.make_qkv(weights.named(names.part + ".qkv.weight", {3 * width, shape.width}),
                       weights.named(names.part + ".qkv.bias", {3 * width}), shape.heads),
            read_linear(b, weights, names.part + ".proj", width, shape.width),
            read_scale(b, weights, names, shape),
            shape.heads,
            width / shape.heads,
            {},
            {},
            {},
            {},
            0};
  }

  // Queries of `asking`, or of all where it is null, keys and values of x; see Backend::project.
  typename B::Projection project(B& b, const typename B::Tensor* asking,
                                 const typename B::Tensor& x, bool matched) const {
    const bool exact = matched && !k_norm;  // the backend knows nothing of what norms do behind it
    typename B::Projection seen = asking == nullptr ? b.project(x, norm, qkv, exact)
                                                    : b.project(*asking, x, norm, qkv, exact);
    if (q_norm) seen.q = b.head_norm(std::move(seen.q), *q_norm, heads);
    if (k_norm) seen.k = b.head_norm(std::move(seen.k), *k_norm, heads);
    return seen;
  }
};

// What else counts in it: places, of which all branches are told alike.
template <Backend B>
typename B::Sight sight_of(const Attention<B>& attention, const Reduction<B>& tokens) {
  typename B::Sight sight;
  if (attention.rotation) {
    sight.turns = &tokens.turns(*attention.rotation, attention.layer, attention.head_width);
  }
  sight.relative = attention.relative.get();
  return sight;
}

// What attention of every branch sees of x [B, T, C], whose tokens these are.
template <Backend B>
Seen<B> look_at(B& b, const typename B::Tensor& x, const std::vector<Attention<B>>& branches,
                Wanted wanted, const Reduction<B>& tokens) {
  Seen<B> seen;
  seen.heads = branches[0].heads;
  seen.sight = sight_of<B>(branches[0], tokens);
  for (const Attention<B>& branch : branches) {
    if (wanted.qkv) seen.qkv.push_back(branch.project(b, nullptr, x, wanted.matched));
    if (wanted.normed) seen.normed.push_back(b.layer_norm(x, branch.norm));
  }
  return seen;
}

// x [B, T, C] + the sum over branches of scale * proj(attention), all branches having seen the same
// x; see Backend::attention.
template <Backend B>
typename B::Tensor attend(B& b, typename B::Tensor x, const std::vector<Attention<B>>& branches,
                          const Seen<B>& seen, const TokenState& state) {
  for (size_t i = 0; i < branches.size(); ++i) {
    const typename B::Tensor attended = b.attention(seen.qkv[i], seen.heads, state, seen.sight);
    x = b.add_linear(std::move(x), attended, branches[i].proj, branches[i].scale);
  }
  return x;
}

}  // namespace fovea
