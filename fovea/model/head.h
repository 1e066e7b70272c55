// From tokens to what the head sees, and to logits.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/backend/backend.h"
#include "fovea/model/block.h"

namespace fovea {

// Attention pooling: one learned token asks all others, and an MLP works on what it gathers.
template <Backend B>
struct AttentionPooling {
  typename B::Rows latent;
  typename B::Linear q, kv, proj;
  Mlp<B> mlp;
  int heads = 1;
  int left_out = 0;  // prefix tokens that are not asked

  static AttentionPooling load(B& b, WeightSource& weights, const Architecture& a) {
    const AttentionPool& shape = *a.attention_pool;
    const int64_t c = a.width;
    BlockShape block;
    block.width = a.width;
    block.mlp_width = shape.mlp_width;
    block.activation = shape.activation;
    block.eps = a.block.eps;
    block.norm = a.block.norm;
    const Weight weight = weights.named("attn_pool.qkv.weight", {3 * c, c});
    const Weight bias = weights.named("attn_pool.qkv.bias", {3 * c}, Start::zero);
    return {b.make_rows(weights.named("attn_pool.latent", {1, 1, c})),
            b.make_linear(rows(weight, "attn_pool.q.weight", 0, c),
                          rows(bias, "attn_pool.q.bias", 0, c)),
            b.make_linear(rows(weight, "attn_pool.kv.weight", c, 2 * c),
                          rows(bias, "attn_pool.kv.bias", c, 2 * c)),
            read_linear(b, weights, "attn_pool.proj", c, c),
            Mlp<B>::load(b, weights, {"attn_pool.norm", "attn_pool.mlp", {}}, block),
            shape.heads,
            shape.with_prefix ? 0 : a.prefix()};
  }

  // tokens [B, T, C], of these sizes (their logarithms, or none) -> [B, 1, C]
  typename B::Tensor forward(B& b, const typename B::Tensor& tokens,
                             const TokenState& state) const {
    if (left_out == 0) return gather_from(b, tokens, state);
    const Route asked = without_prefix(b.sequences(tokens));
    TokenState sizes;
    for (const int32_t row : asked.rows) {
      if (!state.log_sizes.empty()) sizes.log_sizes.push_back(state.log_sizes[row]);
    }
    return gather_from(b, b.gather(tokens, asked), sizes);
  }

 private:
  // Of all tokens.
  typename B::Tensor gather_from(B& b, const typename B::Tensor& tokens,
                                 const TokenState& state) const {
    const typename B::Tensor keys_values = b.linear(tokens, kv);
    const int64_t width = tokens.channels();
    typename B::Projection seen;
    seen.q = b.linear(b.repeat(latent, static_cast<int64_t>(b.sequences(tokens).size()) - 1), q);
    seen.k = b.columns(keys_values, 0, width);
    seen.v = b.columns(keys_values, width, width);
    typename B::Tensor out = b.linear(b.attention(seen, heads, state, {}), proj);
    const typename B::Tensor hidden = mlp.hidden(b, out);
    return mlp.add(b, std::move(out), hidden);
  }

  static Weight rows(const Weight& all, const char* name, int64_t begin, int64_t count) {
    Shape shape = all.values.shape;
    const int64_t width = elements(shape) / shape[0];
    shape[0] = count;
    const auto first = all.values.data.begin() + begin * width;
    if (all.values.data.empty()) return {Array(shape, {}), name};
    return {Array(shape, {first, first + count * width}), name};
  }

  Route without_prefix(const Sequences& sequences) const {
    Route route;
    route.first.push_back(0);
    for (size_t i = 0; i + 1 < sequences.size(); ++i) {
      for (int32_t row = sequences[i] + left_out; row < sequences[i + 1]; ++row)
        route.rows.push_back(row);
      route.first.push_back(static_cast<int32_t>(route.rows.size()));
    }
    return route;
  }
};

template <Backend B>
struct Head {
  Architecture architecture;
  std::optional<AttentionPooling<B>> pool;
  std::optional<typename B::Norm> fc_norm;  // of what is pooled
  std::optional<typename B::Norm> norm;     // of the features
  std::optional<typename B::Linear> projection;
  std::optional<typename B::Linear> linear;
  std::optional<typename B::Linear> distilled;

  static Head load(B& b, WeightSource& weights, const Architecture& a) {
    Head head;
    head.architecture = a;
    if (a.attention_pool) head.pool = AttentionPooling<B>::load(b, weights, a);
    const auto norm = [&](const char* name, double eps) {
      return read_norm(b, weights, name, a.width, eps, a.block.norm);
    };
    if (a.fc_norm) head.fc_norm = norm("fc_norm", a.fc_norm_eps.value_or(a.block.eps));
    if (a.final_norm && a.late_norm) head.fc_norm = norm("norm", a.block.eps);
    if (a.projection > 0) {
      head.projection =
          b.make_linear(weights.named("projection.weight", {a.projection, a.width}), Weight{});
    }
    if (a.classes == 0) return head;
    if (a.head_norm) head.norm = norm("head_norm", a.block.eps);
    head.linear = read_linear(b, weights, "head", a.features(), a.classes);
    if (a.distilled_head) head.distilled = read_linear(b, weights, "head_dist", a.width, a.classes);
    return head;
  }

  // tokens [B, T, C] after the final norm -> [B, 1, F]: the class token, the mean of all prefix
  // tokens, the mean over the others weighted by size, or what attention gathers of them.
  typename B::Tensor features(B& b, const typename B::Tensor& tokens, std::span<const float> sizes,
                              const TokenState& state) const {
    const Architecture& a = architecture;
    if (a.pool_concat)
      return b.concat_channels(b.token(tokens, 0), b.average(tokens, sizes, a.prefix()));
    typename B::Tensor pooled = pool ? pool->forward(b, tokens, state) : gather(b, tokens, sizes);
    if (fc_norm) pooled = b.layer_norm(pooled, *fc_norm);
    return projection ? b.linear(pooled, *projection) : pooled;
  }

  // features [B, 1, C] -> [B, 1, classes]: with a distillation token the mean of both heads; the
  // features where there is no head.
  typename B::Tensor logits(B& b, const typename B::Tensor& tokens,
                            const typename B::Tensor& features) const {
    if (!linear) return features;
    typename B::Tensor from_class =
        b.norm_linear(features, norm, *linear, Activation::none, Precision::single);
    if (!distilled) return from_class;
    const std::array<typename B::Tensor, 2> both = {from_class,
                                                    b.linear(b.token(tokens, 1), *distilled)};
    return b.mean(both);
  }

 private:
  typename B::Tensor gather(B& b, const typename B::Tensor& tokens,
                            std::span<const float> sizes) const {
    const Architecture& a = architecture;
    if (a.pooling == Pooling::token) return b.token(tokens, 0);
    if (a.pooling != Pooling::prefix) return b.average(tokens, sizes, a.protected_tokens());
    std::vector<typename B::Tensor> prefix;
    for (int i = 0; i < a.prefix(); ++i) prefix.push_back(b.token(tokens, i));
    return b.mean(prefix);
  }
};

}  // namespace fovea
