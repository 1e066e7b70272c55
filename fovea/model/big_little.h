// The routed layers of a big.LITTLE ViT (Guo et al., arXiv 2410.10267): important tokens take a
// plain block, all tokens take a narrow one beside it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/model/attention.h"
#include "fovea/tokens/routing.h"

namespace fovea {

// Who takes the big path until the next predictor.
template <Backend B>
struct Selection {
  Route route;
  typename B::Tensor scores;  // of the selected tokens: [B, K, 1]
};

// What tells after one layer who takes the big path.
template <Backend B>
struct Predictor {
  typename B::Linear linear;
  int layer = 0;  // counted from 1

  static Predictor load(B& b, WeightSource& weights, const Architecture& a, size_t index) {
    const std::string name = "predictors." + std::to_string(index);
    return {b.make_exact_linear(weights.named(name + ".weight", {2, a.width}),
                                weights.named(name + ".bias", {2})),
            a.routing->predict_after[index]};
  }

  // x [B, T, C]: what the layer puts out.
  Selection<B> select(B& b, const typename B::Tensor& x, int protected_tokens,
                      double keep_ratio) const {
    const typename B::Tensor scores = b.keep_scores(x, linear, protected_tokens);
    Route route = select_tokens(b.sequences(x), b.read(scores).data, protected_tokens, keep_ratio);
    typename B::Tensor selected = b.gather(scores, route);
    return {std::move(route), std::move(selected)};
  }
};

// The plain block of a routed layer, for selected tokens: semi-cross attention, where they ask all
// tokens, and the MLP.
template <Backend B>
struct BigBlock {
  typename B::Norm norm1, norm2;
  typename B::CrossQkv qkv;
  typename B::Linear proj, fc1, fc2;
  typename B::Vector alpha_attn, alpha_mlp;
  int heads = 1;

  static BigBlock load(B& b, WeightSource& weights, const std::string& name,
                       const Architecture& a) {
    const std::string attn = name + ".attns.0";
    const std::string ffn = name + ".ffns.0";
    const int64_t out = int64_t{3} * a.width;
    return {read_norm(b, weights, attn + ".norm", a),
            read_norm(b, weights, ffn + ".norm", a),
            b.make_cross_qkv(weights.named(attn + ".attn.qkv.weight", {out, a.width}),
                             weights.named(attn + ".attn.qkv.bias", {out})),
            read_linear(b, weights, attn + ".attn.proj", a.width, a.width),
            read_linear(b, weights, ffn + ".mlp.fc1", a.width, a.mlp_width),
            read_linear(b, weights, ffn + ".mlp.fc2", a.mlp_width, a.width),
            b.make_vector(weights.named(name + ".alpha_attn", {1})),
            b.make_vector(weights.named(name + ".alpha_mlp", {1})),
            a.heads};
  }

  // selected [B, K, C] of x [B, T, C], and their scores [B, K, 1], to [B, K, C].
  typename B::Tensor forward(B& b, const typename B::Tensor& selected, const typename B::Tensor& x,
                             const typename B::Tensor& scores) const {
    const typename B::Projection seen = b.project_cross(selected, x, norm1, qkv);
    const typename B::Tensor attended = b.linear(b.attention(seen, heads, {}), proj);
    const typename B::Tensor y = b.add_gated(selected, attended, scores, alpha_attn);
    const typename B::Tensor mixed = b.linear(b.norm_linear_gelu(y, norm2, fc1), fc2);
    return b.add_gated(y, mixed, scores, alpha_mlp);
  }
};

// The narrow block beside it, for all tokens. Its width is that of its heads, and of its MLP
// between `down` and `up`.
template <Backend B>
struct LittleBlock {
  typename B::Norm norm1, norm2;
  typename B::Qkv qkv;
  typename B::Linear proj, down, fc1, fc2, up;
  int heads = 1;

  static LittleBlock load(B& b, WeightSource& weights, const std::string& name,
                          const Architecture& a) {
    const int64_t c = a.width;
    const int64_t width = a.routing->little_width;
    const int64_t mlp_width = a.routing->little_mlp_width;
    const int heads = a.routing->little_heads;
    return {read_norm(b, weights, name + ".norm1", a),
            read_norm(b, weights, name + ".norm2", a),
            b.make_qkv(weights.named(name + ".attn.qkv.weight", {3 * width, c}),
                       weights.named(name + ".attn.qkv.bias", {3 * width}), heads),
            read_linear(b, weights, name + ".attn.proj", width, c),
            read_linear(b, weights, name + ".mlp.down", c, width),
            read_linear(b, weights, name + ".mlp.fc1", width, mlp_width),
            read_linear(b, weights, name + ".mlp.fc2", mlp_width, width),
            read_linear(b, weights, name + ".mlp.up", width, c),
            heads};
  }

  // x: [B, T, C]
  typename B::Tensor forward(B& b, typename B::Tensor x) const {
    const typename B::Tensor attended = b.attention(b.project(x, norm1, qkv, false), heads, {});
    x = b.add_linear(std::move(x), attended, proj, {});
    const typename B::Tensor mixed = b.linear_gelu(b.norm_linear(x, norm2, down), fc1);
    return b.add_linear(std::move(x), b.hidden_linear(mixed, fc2), up, {});
  }
};

template <Backend B>
struct RoutedBlock {
  BigBlock<B> big;
  std::optional<LittleBlock<B>> little;
  typename B::Vector gamma;  // of layers with a LITTLE block

  static RoutedBlock load(B& b, WeightSource& weights, const Architecture& a, int layer) {
    const std::string name = "blocks." + std::to_string(layer);
    RoutedBlock block{BigBlock<B>::load(b, weights, name, a), {}, {}};
    if (a.routing->has_little(layer)) {
      block.little = LittleBlock<B>::load(b, weights, name + ".little", a);
      block.gamma = b.make_vector(weights.named(name + ".gamma", {1}));
    }
    return block;
  }

  // x: [B, T, C]
  typename B::Tensor forward(B& b, typename B::Tensor x, const Selection<B>& selection) const {
    const typename B::Tensor before = b.gather(x, selection.route);
    const typename B::Tensor after = big.forward(b, before, x, selection.scores);
    if (!little) return b.put(std::move(x), after, selection.route);
    return b.add_change(little->forward(b, std::move(x)), before, after, selection.route, gamma);
  }
};

// All layers after the plain ones; none of a plain ViT.
template <Backend B>
struct RoutedBlocks {
  std::vector<Predictor<B>> predictors;
  std::vector<RoutedBlock<B>> blocks;
  int first = 0;  // layer of the first block, from 0
  int protected_tokens = 0;

  static RoutedBlocks load(B& b, WeightSource& weights, const Architecture& a) {
    RoutedBlocks routed{{}, {}, a.plain_layers(), a.prefix()};
    if (!a.routing) return routed;
    for (size_t i = 0; i < a.routing->predict_after.size(); ++i) {
      routed.predictors.push_back(Predictor<B>::load(b, weights, a, i));
    }
    for (int layer = routed.first; layer < a.depth; ++layer) {
      routed.blocks.push_back(RoutedBlock<B>::load(b, weights, a, layer));
    }
    return routed;
  }

  // x: [B, T, C] from the last plain layer. Appends to `routes` who was selected by each predictor:
  // positions in the sequence, [B, K].
  typename B::Tensor forward(B& b, typename B::Tensor x, double keep_ratio,
                             std::vector<IntArray>& routes) const {
    Selection<B> selection;
    int layer = first;
    for (const RoutedBlock<B>& block : blocks) {
      // One predictor after the last; its layer, counted from 1, is this one counted from 0.
      if (routes.size() < predictors.size() && predictors[routes.size()].layer == layer) {
        selection = predictors[routes.size()].select(b, x, protected_tokens, keep_ratio);
        routes.push_back(positions_of(selection.route, b.sequences(x)));
      }
      x = block.forward(b, std::move(x), selection);
      ++layer;
    }
    return x;
  }
};

}  // namespace fovea
