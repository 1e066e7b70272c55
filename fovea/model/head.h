// From tokens to what the head sees, and to logits.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "fovea/backend/backend.h"
#include "fovea/model/attention.h"

namespace fovea {

template <Backend B>
struct Head {
  Architecture architecture;
  std::optional<typename B::Norm> fc_norm;
  std::optional<typename B::Linear> linear;
  std::optional<typename B::Linear> distilled;

  static Head load(B& b, WeightSource& weights, const Architecture& a) {
    Head head{a, {}, {}, {}};
    if (a.fc_norm) head.fc_norm = read_norm(b, weights, "fc_norm", a.width, a.block.eps);
    if (a.classes == 0) return head;
    head.linear = read_linear(b, weights, "head", a.features(), a.classes);
    if (a.distillation_token)
      head.distilled = read_linear(b, weights, "head_dist", a.width, a.classes);
    return head;
  }

  // tokens [B, T, C] after the final norm -> [B, 1, C]: the class token, or the mean over the
  // others weighted by size.
  typename B::Tensor features(B& b, const typename B::Tensor& tokens,
                              std::span<const float> sizes) const {
    const Architecture& a = architecture;
    if (a.pool_concat)
      return b.concat_channels(b.token(tokens, 0), b.average(tokens, sizes, a.prefix()));
    typename B::Tensor pooled =
        a.pooling == Pooling::token ? b.token(tokens, 0) : b.average(tokens, sizes, a.prefix());
    return fc_norm ? b.layer_norm(pooled, *fc_norm) : pooled;
  }

  // features [B, 1, C] -> [B, 1, classes]: with a distillation token the mean of both heads; the
  // features where there is no head.
  typename B::Tensor logits(B& b, const typename B::Tensor& tokens,
                            const typename B::Tensor& features) const {
    if (!linear) return features;
    typename B::Tensor from_class = b.linear(features, *linear);
    if (!distilled) return from_class;
    const std::array<typename B::Tensor, 2> both = {from_class,
                                                    b.linear(b.token(tokens, 1), *distilled)};
    return b.mean(both);
  }
};

}  // namespace fovea
