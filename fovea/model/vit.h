// The Vision Transformer: embed, blocks with a reduction of tokens, norm, head.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "fovea/model/block.h"
#include "fovea/model/embed.h"
#include "fovea/model/head.h"

namespace fovea {

template <Backend B>
struct Vit {
  Architecture architecture;
  PatchEmbed<B> patch_embed;
  std::vector<Block<B>> blocks;
  std::optional<typename B::Norm> norm;
  Head<B> head;

  struct Output {
    typename B::Tensor tokens;    // [B, T, C], after the final norm
    typename B::Tensor features;  // [B, 1, C]
    typename B::Tensor logits;    // [B, 1, classes]
    Reduction<B> reduction;       // sizes and sources
    std::vector<Sources> trace;   // after each layer, where wanted
    IntArray layer_tokens;        // [B, depth]: tokens that leave each layer
  };

  // Throws Error naming the tensor that is missing or has another shape.
  static Vit load(B& b, WeightSource& weights, const Architecture& a) {
    Vit vit{a, PatchEmbed<B>::load(b, weights, a), {}, {}, {}};
    for (int layer = 0; layer < a.depth; ++layer)
      vit.blocks.push_back(Block<B>::load(b, weights, a, layer));
    if (a.final_norm) vit.norm = read_norm(b, weights, "norm", a);
    vit.head = Head<B>::load(b, weights, a);
    return vit;
  }

  // images: [B, 3, H, W], H and W multiples of the patch.
  Output forward(B& b, const Images& images, const MergeOptions& options,
                 bool want_trace = false) const {
    typename B::Tensor x = patch_embed.forward(b, images);
    Reduction<B> tokens(options, b.sequences(x), architecture.prefix(), architecture.depth);
    std::vector<Sources> trace;
    IntArray layer_tokens({images.batch, architecture.depth});
    for (const Block<B>& block : blocks) {
      x = block.forward(b, std::move(x), tokens);
      const Sequences& first = b.sequences(x);
      for (int64_t i = 0; i < images.batch; ++i) {
        layer_tokens.data[i * architecture.depth + block.layer] = first[i + 1] - first[i];
      }
      if (want_trace) trace.push_back(tokens.sources());
    }
    if (norm) x = b.layer_norm(x, *norm);
    typename B::Tensor features = head.features(b, x, tokens.sizes());
    typename B::Tensor logits = head.logits(b, x, features);
    return {std::move(x),      std::move(features), std::move(logits),
            std::move(tokens), std::move(trace),    std::move(layer_tokens)};
  }
};

}  // namespace fovea
