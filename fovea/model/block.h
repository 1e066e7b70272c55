// A transformer block, its norms before or behind, with a reduction of tokens between attention and
// MLP.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "fovea/model/attention.h"
#include "fovea/tokens/routing.h"

namespace fovea {

template <Backend B>
struct Mlp {
  std::optional<typename B::Norm> norm, post_norm;  // before it, or behind, on what is added
  typename B::Linear fc1;
  typename B::Linear fc2;
  typename B::Vector scale;
  // Around a bottleneck: C to its width, and back.
  std::optional<typename B::Linear> down, up;
  std::optional<typename B::Norm> inner_norm;  // before fc2
  Activation activation = Activation::gelu;

  static Mlp load(B& b, WeightSource& weights, const PartNames& names, const BlockShape& shape) {
    const bool narrow = shape.bottleneck > 0;
    const int width = narrow ? shape.bottleneck : shape.width;
    Mlp mlp;
    (shape.post_norm ? mlp.post_norm : mlp.norm) =
        read_norm(b, weights, names.norm, shape.width, shape.eps, shape.norm);
    mlp.activation = shape.activation;
    if (narrow) mlp.down = read_linear(b, weights, names.part + ".down", shape.width, width);
    mlp.fc1 = read_fc1(b, weights, names.part + ".fc1", width, shape);
    if (shape.mlp_norm) {
      mlp.inner_norm =
          read_norm(b, weights, names.part + ".norm", shape.mlp_width, shape.eps, *shape.mlp_norm);
    }
    mlp.fc2 = read_linear(b, weights, names.part + ".fc2", shape.mlp_width, width, shape.fc2_bias);
    if (narrow) {
      mlp.up = read_linear(b, weights, names.part + ".up", width, shape.width, true,
                           shape.joins ? Start::joining : Start::normal);
    }
    mlp.scale = read_scale(b, weights, names, shape.width, shape.scale_mlp);
    return mlp;
  }

  // activation(fc1(norm(x))), or of a gate, times values: [B, T, H]
  typename B::Tensor hidden(B& b, const typename B::Tensor& x) const {
    if (inner_norm) {
      return b.layer_norm(b.norm_linear(x, norm, fc1, activation, Precision::single), *inner_norm,
                          Precision::product);
    }
    return down ? b.linear(b.norm_linear(x, norm, *down), fc1, activation, Precision::product)
                : b.norm_linear(x, norm, fc1, activation);
  }
  // x + scale * what comes of the hidden layer, or post_norm of it
  typename B::Tensor add(B& b, typename B::Tensor x, const typename B::Tensor& hidden) const {
    if (post_norm) return b.add_normed_linear(std::move(x), hidden, fc2, *post_norm);
    return up ? b.add_linear(std::move(x),
                             b.linear(hidden, fc2, Activation::none, Precision::product), *up,
                             scale)
              : b.add_linear(std::move(x), hidden, fc2, scale);
  }

 private:
  static typename B::Linear read_fc1(B& b, WeightSource& weights, const std::string& name,
                                     int64_t width, const BlockShape& shape) {
    if (!shape.gated) return read_linear(b, weights, name, width, shape.mlp_width, shape.fc1_bias);
    const int64_t rows = 2 * int64_t{shape.mlp_width};
    const Weight weight = weights.named(name + ".weight", {rows, width});
    return b.make_gated_linear(
        weight, shape.fc1_bias ? weights.named(name + ".bias", {rows}, Start::zero) : Weight{});
  }
};

// x [B, T, C] + the sum over branches of scale * fc2(gelu(fc1(norm(x)))), all branches reading the
// same x.
template <Backend B>
typename B::Tensor add_mlps(B& b, typename B::Tensor x, const std::vector<Mlp<B>>& branches) {
  std::vector<typename B::Tensor> hidden;
  for (const Mlp<B>& branch : branches) hidden.push_back(branch.hidden(b, x));
  for (size_t i = 0; i < branches.size(); ++i) x = branches[i].add(b, std::move(x), hidden[i]);
  return x;
}

template <Backend B>
struct Block {
  std::vector<Attention<B>> attns;
  std::vector<Mlp<B>> ffns;
  int layer = 0;

  static Block load(B& b, WeightSource& weights, const BlockShape& shape, int layer) {
    Block block{{}, {}, layer};
    for (int j = 0; j < shape.branches; ++j) {
      const PartNames attention = PartNames::attention(layer, j);
      block.attns.push_back(Attention<B>::load(b, weights, attention, shape, layer));
      block.ffns.push_back(Mlp<B>::load(b, weights, PartNames::mlp(layer, j), shape));
    }
    return block;
  }

  // Side of the windows that attention stays within; 0: it is over all.
  int window() const { return attns[0].window; }

  // x: [B, T, C]; returns [B, T', C], T' <= T.
  typename B::Tensor forward(B& b, typename B::Tensor x, Reduction<B>& tokens) const {
    x = reduce_before(b, std::move(x), tokens);
    const bool between = tokens.reduces(layer, Placement::between);
    const bool after = tokens.reduces(layer, Placement::after_mlp);
    Wanted wanted = between || after ? tokens.wanted() : Wanted{};
    wanted.qkv = true;
    Seen<B> seen = look_at(b, x, attns, wanted, tokens);
    tokens.saw(b, seen, layer);
    x = attend(b, std::move(x), attns, seen, tokens.state());
    if (between) x = tokens.reduce(b, std::move(x), seen, layer);
    if (!after) seen = {};  // the MLP can use its memory
    x = add_mlps(b, std::move(x), ffns);
    return after ? tokens.reduce(b, std::move(x), seen, layer) : x;
  }

  // The first `count` tokens of each image of what `forward` returns, to the bit: [B, count, C].
  // They must be protected, so that what merges behind attention is nothing to them: it is left
  // out, and they alone ask and pass through the MLP.
  typename B::Tensor forward_first(B& b, typename B::Tensor x, Reduction<B>& tokens,
                                   int count) const {
    x = reduce_before(b, std::move(x), tokens);
    Asking<typename B::Tensor> asking;
    asking.route = first_tokens(b.sequences(x), count);
    asking.rows = b.gather(x, asking.route);
    const Seen<B> seen = look_at(b, x, attns, {.qkv = true}, tokens, &asking);
    return add_mlps(b, attend(b, std::move(asking.rows), attns, seen, tokens.state()), ffns);
  }

 private:
  // The queries, keys and values of merged tokens are no function of those of their members, for
  // norm1 is not linear: x is looked at to find who merges, and merged tokens are looked at anew.
  typename B::Tensor reduce_before(B& b, typename B::Tensor x, Reduction<B>& tokens) const {
    if (!tokens.reduces(layer, Placement::before_attention)) return x;
    const Seen<B> seen = look_at(b, x, attns, tokens.wanted(), tokens);
    return tokens.reduce(b, std::move(x), seen, layer);
  }
};

}  // namespace fovea
