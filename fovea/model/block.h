// A pre-norm transformer block with a reduction of tokens between attention and MLP.
#pragma once

#include <string>
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

  static Mlp load(B& b, WeightSource& weights, const std::string& name, const Architecture& a) {
    return {read_norm(b, weights, name + ".norm", a),
            read_linear(b, weights, name + ".mlp.fc1", a.width, a.mlp_width),
            read_linear(b, weights, name + ".mlp.fc2", a.mlp_width, a.width),
            read_scale(b, weights, name, a)};
  }
};

// x [B, T, C] + the sum over branches of scale * fc2(gelu(fc1(norm(x)))), all branches reading the
// same x.
template <Backend B>
typename B::Tensor add_mlps(B& b, typename B::Tensor x, const std::vector<Mlp<B>>& branches) {
  std::vector<typename B::Tensor> hidden;
  for (const Mlp<B>& branch : branches) {
    hidden.push_back(b.norm_linear_gelu(x, branch.norm, branch.fc1));
  }
  for (size_t i = 0; i < branches.size(); ++i) {
    x = b.add_linear(std::move(x), hidden[i], branches[i].fc2, branches[i].scale);
  }
  return x;
}

template <Backend B>
struct Block {
  std::vector<Attention<B>> attns;
  std::vector<Mlp<B>> ffns;
  int heads = 1;
  int layer = 0;

  static Block load(B& b, WeightSource& weights, const Architecture& a, int layer) {
    Block block{{}, {}, a.heads, layer};
    const std::string name = "blocks." + std::to_string(layer);
    for (int j = 0; j < a.branches; ++j) {
      const std::string branch = std::to_string(j);
      block.attns.push_back(Attention<B>::load(b, weights, name + ".attns." + branch, a));
      block.ffns.push_back(Mlp<B>::load(b, weights, name + ".ffns." + branch, a));
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
      const Seen<B> seen = look_at(b, x, attns, heads, tokens.wanted());
      x = tokens.reduce(b, std::move(x), seen, layer);
    }
    const bool between = tokens.reduces(layer, Placement::between);
    const bool after = tokens.reduces(layer, Placement::after_mlp);
    Wanted wanted = between || after ? tokens.wanted() : Wanted{};
    wanted.qkv = true;
    Seen<B> seen = look_at(b, x, attns, heads, wanted);
    x = attend(b, std::move(x), attns, seen, tokens.log_sizes(), windows);
    if (between) x = tokens.reduce(b, std::move(x), seen, layer);
    if (!after) seen = {};  // the MLP can use its memory
    x = add_mlps(b, std::move(x), ffns);
    return after ? tokens.reduce(b, std::move(x), seen, layer) : x;
  }
};

}  // namespace fovea
