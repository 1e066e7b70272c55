// The routed layers of a big.LITTLE ViT (Guo et al., arXiv 2410.10267): important tokens take a
// plain block, all tokens take a narrow one beside it. Tokens may merge on the way.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/model/block.h"
#include "fovea/tokens/routing.h"

namespace fovea {

// Who takes the big path until the next predictor.
template <Backend B>
struct Selection {
  Route route;
  typename B::Tensor scores;      // of the selected tokens: [B, K, 1]
  typename B::Tensor all_scores;  // [B, T, 1]

  // After a merge. A merged token has the best score of those that it stands for, by which it is
  // selected if any of them was.
  void merge(B& b, std::span<const float> sizes, const Plan& plan) {
    all_scores = b.merge(all_scores, sizes, plan, MergeMode::amax);
    route = follow(route, plan);
    scores = b.gather(all_scores, route);
  }
  // After tokens took other places.
  void reorder(B& b, const Route& order) {
    all_scores = b.gather(all_scores, order);
    route = fovea::reorder(route, order);
    scores = b.gather(all_scores, route);
  }
};

// What tells after one layer who takes the big path.
template <Backend B>
struct Predictor {
  typename B::Linear linear;
  int layer = 0;  // counted from 1
  bool learned = true;

  static Predictor load(B& b, WeightSource& weights, const Architecture& a, size_t index) {
    const std::string name = "predictors." + std::to_string(index);
    const Weight weight = weights.named(name + ".weight", {2, a.width});
    return {b.make_exact_linear(weight, weights.named(name + ".bias", {2}, Start::zero)),
            a.routing->predict_after[index], a.routing->learned};
  }

  // x [B, T, C]: what the layer puts out, in windows where the model has some.
  Selection<B> select(B& b, const typename B::Tensor& x, int protected_tokens, double keep_ratio,
                      const Reduction<B>& tokens) const {
    const Sequences& sequences = b.sequences(x);
    typename B::Tensor scores =
        b.keep_scores(x, linear, learned ? protected_tokens : sequences.back());
    const std::vector<float> ranks =
        learned ? b.read(scores).data : spread_scores(sequences, protected_tokens, keep_ratio);
    Route route = tokens.select(ranks, keep_ratio);
    typename B::Tensor selected = b.gather(scores, route);
    return {std::move(route), std::move(selected), std::move(scores)};
  }
};

// The plain block of a routed layer, for selected tokens: semi-cross attention, where they ask all
// tokens, and the MLP.
template <Backend B>
struct BigBlock {
  std::vector<Attention<B>> attention;  // one
  Mlp<B> mlp;
  typename B::Vector alpha_attn, alpha_mlp;
  bool cross_attention = true;

  static BigBlock load(B& b, WeightSource& weights, const Architecture& a, int layer) {
    const BlockShape shape = a.layer(layer);
    const std::string name = "blocks." + std::to_string(layer);
    return {{Attention<B>::load(b, weights, PartNames::attention(layer, 0), shape, layer)},
            Mlp<B>::load(b, weights, PartNames::mlp(layer, 0), shape),
            b.make_vector(weights.named(name + ".alpha_attn", {1}, Start::zero)),
            b.make_vector(weights.named(name + ".alpha_mlp", {1}, Start::zero)),
            a.routing->cross_attention};
  }

  // What attention sees: queries of selected [B, K, C], keys and values of x [B, T, C].
  Seen<B> look_at(B& b, const Asking<typename B::Tensor>& selected, const typename B::Tensor& x,
                  Wanted wanted, const Reduction<B>& tokens) const {
    if (cross_attention) return fovea::look_at(b, x, attention, wanted, tokens, &selected);
    Seen<B> seen;  // nobody merges by what selected tokens alone see
    seen.heads = attention[0].heads;
    if (wanted.qkv) seen.qkv.push_back(attention[0].project(b, nullptr, selected.rows, false));
    return seen;
  }

  // The two halves of the block, for selected tokens [B, K, C] and their scores [B, K, 1].
  typename B::Tensor attend(B& b, const typename B::Tensor& selected, const Seen<B>& seen,
                            const typename B::Tensor& scores, const TokenState& state) const {
    const typename B::Tensor attended = b.attention(seen.qkv[0], seen.heads, state, seen.sight);
    return b.add_gated(selected, b.linear(attended, attention[0].proj), scores, alpha_attn);
  }
  typename B::Tensor mix(B& b, const typename B::Tensor& selected,
                         const typename B::Tensor& scores) const {
    const typename B::Tensor mixed = b.linear(mlp.hidden(b, selected), mlp.fc2);
    return b.add_gated(selected, mixed, scores, alpha_mlp);
  }
};

// The narrow block beside it, for all tokens. Its width is that of its heads, and of its MLP
// between `down` and `up`.
template <Backend B>
struct LittleBlock {
  std::vector<Attention<B>> attention;  // one
  Mlp<B> mlp;

  static LittleBlock load(B& b, WeightSource& weights, const Architecture& a, int layer) {
    const std::string name = "blocks." + std::to_string(layer) + ".little.";
    const BlockShape shape = a.little(layer);
    return {{Attention<B>::load(b, weights, {name + "norm1", name + "attn", {}}, shape, layer)},
            Mlp<B>::load(b, weights, {name + "norm2", name + "mlp", {}}, shape)};
  }

  // Its two halves. x: [B, T, C]
  typename B::Tensor attend(B& b, typename B::Tensor x, const Reduction<B>& tokens) const {
    const Seen<B> seen = look_at(b, x, attention, {.qkv = true}, tokens);
    return fovea::attend(b, std::move(x), attention, seen, tokens.state());
  }
  typename B::Tensor mix(B& b, typename B::Tensor x) const {
    const typename B::Tensor hidden = mlp.hidden(b, x);
    return mlp.add(b, std::move(x), hidden);
  }
};

// A routed layer between its attention and its MLP.
template <Backend B>
struct Paths {
  typename B::Tensor all;     // [B, T, C]: what came in, or what LITTLE attention made of it
  typename B::Tensor before;  // [B, K, C]: the selected tokens as they came in
  typename B::Tensor after;   // [B, K, C]: and what big attention made of them
};

template <Backend B>
struct RoutedBlock {
  BigBlock<B> big;
  std::optional<LittleBlock<B>> little;
  typename B::Vector gamma;  // of layers with a LITTLE block
  int layer = 0;

  static RoutedBlock load(B& b, WeightSource& weights, const Architecture& a, int layer) {
    const std::string name = "blocks." + std::to_string(layer);
    RoutedBlock block{BigBlock<B>::load(b, weights, a, layer), {}, {}, layer};
    if (a.routing->has_little(layer)) {
      block.little = LittleBlock<B>::load(b, weights, a, layer);
      block.gamma = b.make_vector(weights.named(name + ".gamma", {1}, Start::one));
    }
    return block;
  }

  // Side of the windows that attention stays within; 0: it is over all.
  int window() const { return big.attention[0].window; }

  // x [B, T, C] to [B, T', C], T' <= T.
  typename B::Tensor forward(B& b, typename B::Tensor x, Selection<B>& selection,
                             Reduction<B>& tokens) const {
    if (tokens.reduces(layer, Placement::before_attention)) {
      const Asking<typename B::Tensor> asking{selection.route, b.gather(x, selection.route)};
      x = reduce(b, x, big.look_at(b, asking, x, tokens.wanted(), tokens), selection, tokens);
    }
    const bool between = tokens.reduces(layer, Placement::between);
    const bool after = tokens.reduces(layer, Placement::after_mlp);
    Paths<B> paths{std::move(x), {}, {}};
    paths.before = b.gather(paths.all, selection.route);
    Wanted wanted = between || after ? tokens.wanted() : Wanted{};
    wanted.qkv = true;
    const Asking<typename B::Tensor> asking{selection.route, paths.before};
    Seen<B> seen = big.look_at(b, asking, paths.all, wanted, tokens);
    tokens.saw(b, seen, layer);
    paths.after = big.attend(b, paths.before, seen, selection.scores, tokens.state());
    const std::optional<Plan> plan = between ? tokens.plan(b, seen, layer) : std::nullopt;
    if (!after) seen = {};  // the MLP can use its memory
    if (plan) {
      paths = merge(b, std::move(paths), *plan, selection, tokens);
    } else {
      paths.all = attend_little(b, std::move(paths.all), tokens);
    }
    x = mix(b, std::move(paths), selection);
    return after ? reduce(b, x, seen, selection, tokens) : x;
  }

 private:
  typename B::Tensor attend_little(B& b, typename B::Tensor x, const Reduction<B>& tokens) const {
    return little ? little->attend(b, std::move(x), tokens) : std::move(x);
  }

  // Both MLPs, and what both paths made, together.
  typename B::Tensor mix(B& b, Paths<B> paths, const Selection<B>& selection) const {
    const typename B::Tensor after = big.mix(b, paths.after, selection.scores);
    if (!little) return b.put(std::move(paths.all), after, selection.route);
    return b.add_change(little->mix(b, std::move(paths.all)), paths.before, after, selection.route,
                        gamma);
  }

  // Merges x and all that is known of its tokens.
  typename B::Tensor reduce(B& b, const typename B::Tensor& x, const Seen<B>& seen,
                            Selection<B>& selection, Reduction<B>& tokens) const {
    const std::optional<Plan> plan = tokens.plan(b, seen, layer);
    if (!plan) return x;
    typename B::Tensor merged = tokens.merge(b, x, *plan);
    selection.merge(b, tokens.sizes(), *plan);
    tokens.follow(*plan);
    return merged;
  }

  // Merges tokens as they came in, as the big path left them and as the LITTLE one did, all by one
  // plan: a token that was not selected comes out of the big path as it went in. `paths.all` is as
  // it came in.
  Paths<B> merge(B& b, Paths<B> paths, const Plan& plan, Selection<B>& selection,
                 Reduction<B>& tokens) const {
    typename B::Tensor x = b.put(std::move(paths.all), paths.after, selection.route);
    const typename B::Tensor changed = tokens.merge(b, x, plan);
    x = b.put(std::move(x), paths.before, selection.route);
    typename B::Tensor merged = tokens.merge(b, x, plan);
    selection.merge(b, tokens.sizes(), plan);
    paths.before = b.gather(merged, selection.route);
    paths.after = b.gather(changed, selection.route);
    paths.all =
        little ? tokens.merge(b, attend_little(b, std::move(x), tokens), plan) : std::move(merged);
    tokens.follow(plan);
    return paths;
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

  // x [B, T, C] from the last plain layer to [B, T', C]. Appends to `routes` who was selected by
  // each predictor: positions in the sequence that left its layer, [B, K]. done(layer, x): called
  // after each layer with what it puts out.
  typename B::Tensor forward(
      B& b, typename B::Tensor x, double keep_ratio, Reduction<B>& tokens,
      std::vector<IntArray>& routes,
      const std::function<void(int, const typename B::Tensor&)>& done) const {
    Selection<B> selection;
    for (const RoutedBlock<B>& block : blocks) {
      // One predictor after the last; its layer, counted from 1, is this one counted from 0.
      if (routes.size() < predictors.size() && predictors[routes.size()].layer == block.layer) {
        std::optional<Route> moved;
        x = tokens.arrange(b, std::move(x), tokens.window(),
                           [&](const Route& order) { moved = order; });
        selection = predictors[routes.size()].select(b, x, protected_tokens, keep_ratio, tokens);
        const Route told = moved ? undo(selection.route, *moved) : selection.route;
        routes.push_back(positions_of(told, tokens.images()));
      }
      x = tokens.arrange(b, std::move(x), block.window(),
                         [&](const Route& order) { selection.reorder(b, order); });
      selection.route = regroup(selection.route, b.sequences(x));
      x = block.forward(b, std::move(x), selection, tokens);
      done(block.layer, x);
    }
    return x;
  }
};

}  // namespace fovea
