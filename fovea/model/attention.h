// Multi-head self-attention of a block, in one or several parallel branches.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/backend/backend.h"
#include "fovea/model/architecture.h"
#include "fovea/model/relative.h"
#include "fovea/model/weights.h"
#include "fovea/tokens/reduction.h"

namespace fovea {

template <Backend B>
typename B::Linear read_linear(B& b, WeightSource& weights, const std::string& name, int64_t in,
                               int64_t out, bool has_bias = true, Start start = Start::normal) {
  const Weight weight = weights.named(name + ".weight", {out, in}, start);
  return b.make_linear(weight,
                       has_bias ? weights.named(name + ".bias", {out}, Start::zero) : Weight{});
}

template <Backend B>
typename B::Norm read_norm(B& b, WeightSource& weights, const std::string& name, int64_t channels,
                           double eps, NormKind kind = NormKind::layer) {
  Weight gamma = weights.named(name + ".weight", {channels}, Start::one);
  if (kind == NormKind::rms) return b.make_rms_norm(std::move(gamma), eps);
  return b.make_norm(std::move(gamma), weights.named(name + ".bias", {channels}, Start::zero), eps);
}

// What the tensors of attention, or of an MLP, are called.
struct PartNames {
  std::string norm;   // before it, or behind
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
typename B::Vector read_scale(B& b, WeightSource& weights, const PartNames& names, int64_t channels,
                              bool has_scale) {
  if (!has_scale) return {};
  return b.make_vector(weights.named(names.scale, {channels}, Start::scale));
}

template <Backend B>
struct Attention {
  std::optional<typename B::Norm> norm, post_norm;  // before it, or behind, on what is added
  typename B::Qkv qkv;
  typename B::Linear proj;
  typename B::Vector scale;
  int heads = 1;
  int64_t head_width = 0;  // channels of one, of queries and keys
  // Of what a family may have: norms of each head's queries and keys, rotation, relative biases.
  std::optional<typename B::Norm> q_norm, k_norm;
  std::optional<typename B::Norm> inner_norm;  // before proj
  std::shared_ptr<const Rotation> rotation;
  std::optional<typename B::Rows> frequencies;  // of a mixed one, where they are trained
  std::shared_ptr<const RelativeBiases<B>> relative;
  std::shared_ptr<const DecomposedBiases<B>> decomposed;
  int window = 0;  // side of those that it stays within; 0: it is over all
  int layer = 0;

  static Attention load(B& b, WeightSource& weights, const PartNames& names,
                        const BlockShape& shape, int layer) {
    const int64_t width = shape.attention_width();
    const int64_t out = 3 * width;
    Attention attention;
    attention.heads = shape.heads;
    attention.head_width = shape.head_width();
    attention.layer = layer;
    (shape.post_norm ? attention.post_norm : attention.norm) =
        read_norm(b, weights, names.norm, shape.width, shape.eps, shape.norm);
    const Weight joint = weights.named(names.part + ".qkv.weight", {out, shape.width});
    attention.qkv =
        b.make_qkv(joint, weights.named(names.part + ".qkv.bias", {out}, Start::zero), shape.heads);
    attention.load_parts(b, weights, names, shape);
    attention.proj = read_linear(b, weights, names.part + ".proj", width, shape.width,
                                 shape.proj_bias, shape.joins ? Start::joining : Start::normal);
    attention.scale = read_scale(b, weights, names, shape.width, shape.scale_attention);
    return attention;
  }

  // softmax(..) v of what it saw, ready for `proj`: [B, T, heads * d]
  typename B::Tensor attended(B& b, const typename B::Projection& seen, const TokenState& state,
                              const typename B::Sight& sight) const {
    const typename B::Tensor out = b.attention(seen, heads, state, sight);
    return inner_norm ? b.layer_norm(out, *inner_norm, Precision::product) : out;
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

 private:
  void load_parts(B& b, WeightSource& weights, const PartNames& names, const BlockShape& shape) {
    if (shape.qk_norm) {
      const auto read = [&](const char* name) {
        return read_norm(b, weights, names.part + name, head_width, shape.eps, *shape.qk_norm);
      };
      q_norm = read(".q_norm");
      k_norm = read(".k_norm");
    }
    if (shape.attention_norm) {
      inner_norm = read_norm(b, weights, names.part + ".norm", shape.attention_width(), shape.eps,
                             *shape.attention_norm);
    }
    if (shape.rotation) load_rotation(b, weights, shape);
    window = shape.window;
    if (!shape.decomposed.empty()) load_decomposed(b, weights, names, shape);
    if (shape.bias_rows == 0) return;
    const std::string table = shape.shares_bias ? "rel_pos_bias.table" : names.part + ".bias_table";
    relative = std::make_shared<const RelativeBiases<B>>(
        b, weights.named(table, {shape.bias_rows, shape.heads}), shape.bias_grid);
  }

  void load_decomposed(B& b, WeightSource& weights, const PartNames& names,
                       const BlockShape& shape) {
    const auto read = [&](const char* name, int extent) {
      return weights.named(names.part + name, {2 * int64_t{extent} - 1, shape.head_width()},
                           Start::zero);
    };
    const Weight rows = read(".rel_pos_h", shape.decomposed.rows);
    const Weight columns = read(".rel_pos_w", shape.decomposed.columns);
    decomposed = std::make_shared<const DecomposedBiases<B>>(b, rows, columns, shape.decomposed);
  }

  void load_rotation(B& b, WeightSource& weights, const BlockShape& shape) {
    Rotation own = *shape.rotation;
    if (own.kind == RotationKind::mixed) {
      const Weight weight =
          weights.named("rope.freqs", {2, shape.layers, shape.heads, shape.head_width() / 2});
      own.frequencies = weight.values;
      if constexpr (B::kTrains) frequencies = b.make_frequencies(weight);
    }
    rotation = std::make_shared<const Rotation>(std::move(own));
  }
};

// The tokens of x [B, T, C] that ask.
template <class Tensor>
struct Asking {
  Route route;
  Tensor rows;  // [B, K, C]
};

// By what a layer turns queries and keys. Frequencies that are trained change from run to run.
template <Backend B>
const Turns& turns_in(B& b, const Attention<B>& attention, const Reduction<B>& tokens) {
  if constexpr (B::kTrains) {
    if (attention.frequencies) {
      Rotation now = *attention.rotation;
      now.frequencies = b.read_rows(*attention.frequencies);
      return tokens.turns(now, attention.layer, attention.head_width);
    }
  }
  return tokens.turns(*attention.rotation, attention.layer, attention.head_width);
}

// What attention of every branch sees of x [B, T, C], whose tokens these are. Of rotation and
// relative positions all branches are told alike. asking: null where all tokens ask; must outlive
// what is returned.
template <Backend B>
Seen<B> look_at(B& b, const typename B::Tensor& x, const std::vector<Attention<B>>& branches,
                Wanted wanted, const Reduction<B>& tokens,
                const Asking<typename B::Tensor>* asking = nullptr) {
  const Attention<B>& first = branches[0];
  Seen<B> seen;
  seen.heads = first.heads;
  if (first.rotation) seen.sight.turns = &turns_in(b, first, tokens);
  if (first.frequencies) seen.sight.frequencies = &*first.frequencies;
  seen.sight.layer = first.layer;
  if (first.relative) seen.relative = first.relative->of(b, tokens.state().grid);
  seen.sight.relative = seen.relative.get();
  if (first.decomposed) {
    const Grid window = {first.window, first.window};
    seen.decomposed = first.decomposed->of(b, first.window > 0 ? window : tokens.state().grid);
  }
  seen.sight.decomposed = seen.decomposed.get();
  if (first.window > 0) seen.sight.padding = &first.qkv;
  if (asking) seen.sight.asking = asking->route.rows;
  const typename B::Tensor* rows = asking ? &asking->rows : nullptr;
  for (const Attention<B>& branch : branches) {
    if (wanted.qkv) seen.qkv.push_back(branch.project(b, rows, x, wanted.matched));
    if (wanted.normed) seen.normed.push_back(branch.norm ? b.layer_norm(x, *branch.norm) : x);
  }
  return seen;
}

// x [B, T, C], those that asked, + the sum over branches of scale * proj(attention), or of
// post_norm of that, all branches having seen the same x; see Backend::attention.
template <Backend B>
typename B::Tensor attend(B& b, typename B::Tensor x, const std::vector<Attention<B>>& branches,
                          const Seen<B>& seen, const TokenState& state) {
  for (size_t i = 0; i < branches.size(); ++i) {
    const typename B::Tensor attended = branches[i].attended(b, seen.qkv[i], state, seen.sight);
    const Attention<B>& branch = branches[i];
    x = branch.post_norm
            ? b.add_normed_linear(std::move(x), attended, branch.proj, *branch.post_norm)
            : b.add_linear(std::move(x), attended, branch.proj, branch.scale);
  }
  return x;
}

}  // namespace fovea
