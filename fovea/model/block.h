// A pre-norm transformer block with a reduction of tokens between attention and MLP.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "fovea/model/attention.h"

namespace fovea {

template <Backend B>
struct Mlp {
  typename B::Norm norm;
  typename B::Linear fc1;
  typename B::Linear fc2;
  typename B::Vector scale;
  // Around a bottleneck: C to its width, and back.
  std::optional<typename B::Linear> down, up;

  static Mlp load(B& b, WeightSource& weights, const PartNames& names, const BlockShape& shape) {
    const bool narrow = shape.bottleneck > 0;
    const int width = narrow ? shape.bottleneck : shape.width;
    Mlp mlp;
    mlp.norm = read_norm(b, weights, names.norm, shape.width, shape.eps);
    if (narrow) mlp.down = read_linear(b, weights, names.part + ".down", shape.width, width);
    mlp.fc1 = read_linear(b, weights, names.part + ".fc1", width, shape.mlp_width);
    mlp.fc2 = read_linear(b, weights, names.part + ".fc2", shape.mlp_width, width);
    if (narrow) mlp.up = read_linear(b, weights, names.part + ".up", width, shape.width);
    mlp.scale = read_scale(b, weights, names, shape);
    return mlp;
  }

  // gelu(fc1(norm(x))): [B, T, H]
  typename B::Tensor hidden(B& b, const typename B::Tensor& x) const {
    return down ? b.linear_gelu(b.norm_linear(x, norm, *down), fc1)
                : b.norm_linear_gelu(x, norm, fc1);
  }
  // x + scale * what comes of the hidden layer
  typename B::Tensor add(B& b, typename B::Tensor x, const typename B::Tensor& hidden) const {
    return up ? b.add_linear(std::move(x), b.hidden_linear(hidden, fc2), *up, scale)
              : b.add_linear(std::move(x), hidden, fc2, scale);
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
      block.attns.push_back(Attention<B>::load(b, weights, attention, shape));
      block.ffns.push_back(Mlp<B>::load(b, weights, PartNames::mlp(layer, j), shape));
    }
    return block;
  }

  // x: [B, T, C]; returns [B, T', C], T' <= T. windows: within which tokens see each other, where
  // none merge; or null.
  typename B::Tensor forward(B& b, typename B::Tensor x, Reduction<B>& tokens,
                             const Windows* windows = nullptr) const {
    // The queries, keys and values of merged tokens are no function of those of their members, for
    // norm1 is not linear: x is looked at to find who merges, and merged tokens are looked at anew.
    if (tokens.reduces(layer, Placement::before_attention)) {
      const Seen<B> seen = look_at(b, x, attns, tokens.wanted());
      x = tokens.reduce(b, std::move(x), seen, layer);
    }
    const bool between = tokens.reduces(layer, Placement::between);
    const bool after = tokens.reduces(layer, Placement::after_mlp);
    Wanted wanted = between || after ? tokens.wanted() : Wanted{};
    wanted.qkv = true;
    Seen<B> seen = look_at(b, x, attns, wanted);
    tokens.saw(b, seen, layer);
    x = attend(b, std::move(x), attns, seen, tokens.log_sizes(), windows);
    if (between) x = tokens.reduce(b, std::move(x), seen, layer);
    if (!after) seen = {};  // the MLP can use its memory
    x = add_mlps(b, std::move(x), ffns);
    return after ? tokens.reduce(b, std::move(x), seen, layer) : x;
  }
};

}  // namespace fovea
