// Segment Anything's mask decoder: tokens and an embedding in, masks and how good they are out.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "fovea/segment/two_way.h"

namespace fovea {

// Three linear layers with ReLU between them.
template <SegmentBackend B>
struct ThreeLayers {
  std::array<typename B::Linear, 3> layers;

  static ThreeLayers load(B& b, WeightSource& weights, const std::string& name, int64_t in,
                          int64_t hidden, int64_t out) {
    const auto layer = [&](int i, int64_t from, int64_t to) {
      return read_linear(b, weights, name + ".layers." + std::to_string(i), from, to);
    };
    auto first = layer(0, in, hidden);
    auto second = layer(1, hidden, hidden);
    return {{std::move(first), std::move(second), layer(2, hidden, out)}};
  }

  typename B::Tensor forward(B& b, const typename B::Tensor& x) const {
    const typename B::Tensor hidden =
        b.linear(b.linear(x, layers[0], Activation::relu, Precision::product), layers[1],
                 Activation::relu, Precision::product);
    return b.linear(hidden, layers[2]);
  }
};

// Logits of all masks' tokens, [P, 16 h w, masks], and estimates of their intersection over union
// with what is meant, [P, 1, masks]. The rows of a cell's 16 pixels follow each other: those of
// each quarter, upper left first, and in it so again.
template <SegmentBackend B>
struct Decoded {
  typename B::Tensor masks, iou;
};

template <SegmentBackend B>
struct MaskDecoder {
  typename B::Rows iou_token, mask_tokens;
  std::vector<TwoWayLayer<B>> layers;
  Look<B> last_look;  // of tokens at the picture
  typename B::Norm last_norm;
  typename B::Linear twice, four_times;  // to pictures of so many times the sides
  typename B::Norm twice_norm;
  std::vector<ThreeLayers<B>> weights_of_masks;
  ThreeLayers<B> iou;

  static MaskDecoder load(B& b, WeightSource& weights, const DecoderShape& s) {
    const std::string name = "mask_decoder.";
    const int64_t c = s.width;
    MaskDecoder decoder;
    decoder.iou_token = b.make_rows(weights.named(name + "iou_token.weight", {1, c}, Start::unit));
    decoder.mask_tokens =
        b.make_rows(weights.named(name + "mask_tokens.weight", {s.masks, c}, Start::unit));
    for (int layer = 0; layer < s.depth; ++layer) {
      decoder.layers.push_back(TwoWayLayer<B>::load(b, weights, s, layer));
    }
    decoder.last_look = Look<B>::load(b, weights, name + "transformer.final_attn_token_to_image", c,
                                      s.picture_width, s.heads);
    constexpr double kEps = 1e-5;
    decoder.last_norm = read_norm(b, weights, name + "transformer.norm_final_attn", c, kEps);
    decoder.load_upscaling(b, weights, s);
    for (int mask = 0; mask < s.masks; ++mask) {
      decoder.weights_of_masks.push_back(ThreeLayers<B>::load(
          b, weights, name + "output_hypernetworks_mlps." + std::to_string(mask), c, c,
          s.mask_channels));
    }
    decoder.iou =
        ThreeLayers<B>::load(b, weights, name + "iou_prediction_head", c, s.iou_width, s.masks);
    return decoder;
  }

  // tokens: [P, T, C], in the order of PromptRows; cells: their features of each prompt, or of all,
  // and what the first layer sees in them.
  Decoded<B> forward(B& b, const typename B::Tensor& tokens, Cells<B> cells,
                     SeenPicture<B> seen) const {
    typename B::Tensor x = tokens;
    for (size_t i = 0; i < layers.size(); ++i) {
      if (i > 0) seen = layers[i].see(b, cells);
      x = layers[i].forward_tokens(b, std::move(x), tokens, seen);
      cells.features = layers[i].forward_picture(b, cells.features, x, tokens, seen);
    }
    seen = {};  // the rest can use its memory
    x = look_once_more(b, std::move(x), tokens, cells);
    const typename B::Tensor fine = enlarged(b, cells.features);
    return {b.product(fine, mask_weights(b, x)), iou.forward(b, b.token(x, 0))};
  }

 private:
  void load_upscaling(B& b, WeightSource& weights, const DecoderShape& s) {
    const std::string name = "mask_decoder.output_upscaling.";
    const auto load = [&](const char* part, int64_t in, int64_t out) {
      const Weight weight =
          weights.named(name + part + ".weight", {in, out, 2, 2}, Start::convolution);
      return b.make_unfolding(weight, weights.named(name + part + ".bias", {out}, Start::zero));
    };
    constexpr double kEps = 1e-6;
    twice = load("0", s.width, s.half_channels);
    twice_norm = read_norm(b, weights, name + "1", s.half_channels, kEps);
    four_times = load("3", s.half_channels, s.mask_channels);
  }

  typename B::Tensor look_once_more(B& b, typename B::Tensor x, const typename B::Tensor& tokens,
                                    const Cells<B>& cells) const {
    const typename B::Tensor keys =
        b.linear(b.add(cells.features, cells.places, Precision::product), last_look.k);
    const typename B::Tensor queries = b.linear(b.add(x, tokens, Precision::product), last_look.q);
    const typename B::Tensor seen =
        last_look.attended(b, queries, keys, picture_linear(b, cells.features, last_look.v));
    return b.layer_norm(b.add_linear(std::move(x), seen, last_look.out, {}), last_norm);
  }

  // [P, h w, C] -> [P, 16 h w, mask_channels]
  typename B::Tensor enlarged(B& b, const typename B::Tensor& features) const {
    const typename B::Tensor half =
        b.norm_activation(b.unfold(picture_linear(b, features, twice), 4), twice_norm,
                          Activation::gelu, Precision::product);
    return b.unfold(b.linear(half, four_times, Activation::gelu), 4);
  }

  // [P, masks, mask_channels]
  typename B::Tensor mask_weights(B& b, const typename B::Tensor& x) const {
    const int count = static_cast<int>(weights_of_masks.size());
    typename B::Tensor all = weights_of_masks[0].forward(b, b.token(x, 1));
    for (int mask = 1; mask < count; ++mask) {
      all = b.concat_channels(all, weights_of_masks[mask].forward(b, b.token(x, 1 + mask)));
    }
    return b.unfold(all, count);
  }
};

}  // namespace fovea
