// The Vision Transformer: embed, blocks with a reduction of tokens, routed blocks, norm, head.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "fovea/model/big_little.h"
#include "fovea/model/block.h"
#include "fovea/model/course.h"
#include "fovea/model/embed.h"
#include "fovea/model/foveal.h"
#include "fovea/model/head.h"
#include "fovea/model/neck.h"

namespace fovea {

template <Backend B>
struct Vit {
  Architecture architecture;
  PatchEmbed<B> patch_embed;
  std::vector<Block<B>> blocks;  // all, or the first few of a big.LITTLE ViT
  RoutedBlocks<B> routed;        // the others
  std::optional<typename B::Norm> norm;
  Head<B> head;
  std::optional<Neck<B>> neck;  // of Segment Anything's encoder

  // What left one layer, on the host.
  struct Kept {
    Sequences first;
    Array tokens;  // [rows, C]
    std::vector<float> sizes;
    Sources sources;
  };

  struct Output {
    typename B::Tensor tokens;     // [B, T, C], after the final norm; T as the course asks for
    typename B::Tensor features;   // [B, 1, C]
    typename B::Tensor logits;     // [B, 1, classes]
    typename B::Tensor embedding;  // [B, P, neck's channels], where there is a neck
    Reduction<B> reduction;        // sizes and sources
    std::vector<Sources> trace;    // after each layer, where wanted
    IntArray layer_tokens;         // [B, depth]: tokens that leave each layer
    std::vector<IntArray> routes;  // [B, K]: positions selected by each predictor
    std::map<int, Kept> layers;    // those that the course keeps, counted from 1
  };

  // Throws Error naming the tensor that is missing or has another shape.
  static Vit load(B& b, WeightSource& weights, const Architecture& a) {
    Vit vit{a, PatchEmbed<B>::load(b, weights, a), {}, {}, {}, {}, {}};
    for (int layer = 0; layer < a.plain_layers(); ++layer)
      vit.blocks.push_back(Block<B>::load(b, weights, a.layer(layer), layer));
    vit.routed = RoutedBlocks<B>::load(b, weights, a);
    if (a.final_norm && !a.late_norm)
      vit.norm = read_norm(b, weights, "norm", a.width, a.block.eps, a.block.norm);
    vit.head = Head<B>::load(b, weights, a);
    if (a.neck > 0) vit.neck = Neck<B>::load(b, weights, a);
    return vit;
  }

  // What Method::foveal needs of each layer; of a plain ViT.
  std::vector<Reader<B>> readers(B& b, int channels) const {
    return read_ahead(b, blocks, architecture.width, architecture.block.eps, channels);
  }

  // The input is made of whole patches. readers: where the method is foveal.
  Output forward(B& b, const Input& input, const Course& course,
                 std::span<const Reader<B>> readers = {}) const {
    typename B::Tensor x = patch_embed.forward(b, input);
    const Grid patches = architecture.patches_of(input.grid);
    Reduction<B> tokens(course.merge, b.sequences(x), architecture.protected_tokens());
    tokens.set_readers(readers);
    tokens.keep_attention(course.attention_layers);
    if (architecture.knows_places()) {
      tokens.place(patches, architecture.block.rotation ? Carry::mean : Carry::first,
                   architecture.window);
    }
    std::vector<Sources> trace;
    std::map<int, Kept> layers;
    IntArray layer_tokens({input.batch, architecture.depth});
    const auto count = [&](int layer, int64_t image) -> int32_t& {
      return layer_tokens.data[image * architecture.depth + layer];
    };
    const auto take_down = [&](int layer, const typename B::Tensor& out) {
      const Sequences first = tokens.images();
      for (int64_t i = 0; i < input.batch; ++i) count(layer, i) = first[i + 1] - first[i];
      if (course.trace) trace.push_back(tokens.sources());
      if (std::ranges::find(course.layers, layer + 1) == course.layers.end()) return;
      const std::span<const float> sizes = tokens.sizes();
      layers.insert_or_assign(
          layer + 1, Kept{first, b.read(out), {sizes.begin(), sizes.end()}, tokens.sources()});
    };
    std::vector<IntArray> routes;
    x = encode(b, std::move(x), course, tokens, routes, take_down,
               [&](std::span<const int> leaving) {
                 for (int64_t i = 0; i < input.batch; ++i)
                   count(architecture.depth - 1, i) = leaving[i];
               });
    Read read = neck ? embedded(b, x, tokens, patches) : pooled(b, x, tokens);
    return {std::move(x),
            std::move(read.features),
            std::move(read.logits),
            std::move(read.embedding),
            std::move(tokens),
            std::move(trace),
            std::move(layer_tokens),
            std::move(routes),
            std::move(layers)};
  }

  // What layer after layer makes of embedded tokens x [B, T, C], after the final norm. routes,
  // done: as for RoutedBlocks. unread: told how many tokens of each image would leave the last
  // layer where the course reads only the first ones, which then is not done.
  typename B::Tensor encode(B& b, typename B::Tensor x, const Course& course, Reduction<B>& tokens,
                            std::vector<IntArray>& routes,
                            const std::function<void(int, const typename B::Tensor&)>& done,
                            const std::function<void(std::span<const int>)>& unread) const {
    for (const Block<B>& block : blocks) {
      x = tokens.arrange(b, std::move(x), block.window());
      if (course.last_asking > 0 && block.layer + 1 == architecture.depth) {
        unread(tokens.leaving(block.layer));
        x = block.forward_first(b, std::move(x), tokens, course.last_asking);
        continue;
      }
      x = block.forward(b, std::move(x), tokens);
      done(block.layer, x);
      // Behind the last one whoever reads the tokens does so.
      if (block.layer + 1 < architecture.depth) x = tokens.leave(b, std::move(x), block.layer);
    }
    x = tokens.arrange(b, std::move(x), 0);
    x = routed.forward(b, std::move(x), course.keep_ratio, tokens, routes, done);
    return norm ? b.layer_norm(x, *norm) : x;
  }

 private:
  // What is read from the tokens at the end.
  struct Read {
    typename B::Tensor features, logits, embedding;
  };

  Read pooled(B& b, const typename B::Tensor& x, const Reduction<B>& tokens) const {
    Read read;
    read.features = head.features(b, x, tokens.sizes(), tokens.state());
    read.logits = head.logits(b, x, read.features);
    return read;
  }

  Read embedded(B& b, const typename B::Tensor& x, const Reduction<B>& tokens,
                const Grid& grid) const {
    Read read;
    read.embedding = neck->forward(b, b.gather(x, tokens.everyone()), grid);
    const std::vector<float> ones(b.sequences(read.embedding).back(), 1.0F);
    read.logits = read.features = b.average(read.embedding, ones, 0);
    return read;
  }
};

}  // namespace fovea
