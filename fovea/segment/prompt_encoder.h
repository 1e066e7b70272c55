// Segment Anything's prompt encoder: points and boxes as tokens, masks as what is added to the
// embedding.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fovea/model/attention.h"
#include "fovea/model/weights.h"
#include "fovea/segment/backend.h"
#include "fovea/segment/decoder_shape.h"
#include "fovea/segment/position_code.h"

namespace fovea {

template <SegmentBackend B>
struct PromptEncoder {
  PositionCode code;
  std::vector<typename B::Rows> embeddings;  // in the order of EmbeddingRow
  typename B::Rows no_mask;                  // what is added where there is no mask
  // Of masks: 2x2 convolutions of stride 2 and norms of their outputs, then a 1x1 one.
  typename B::Linear half, quarter, last;
  typename B::Norm half_norm, quarter_norm;

  static PromptEncoder load(B& b, WeightSource& weights, const DecoderShape& shape) {
    const std::string name = "prompt_encoder.";
    const int64_t c = shape.width;
    PromptEncoder encoder;
    const Weight frequencies = weights.named(name + "pe_layer.positional_encoding_gaussian_matrix",
                                             {2, c / 2}, Start::unit);
    b.make_fixed(frequencies);
    encoder.code = PositionCode(frequencies.values);
    const auto rows = [&](const std::string& part) {
      return b.make_rows(weights.named(name + part + ".weight", {1, c}, Start::unit));
    };
    encoder.embeddings.push_back(rows("not_a_point_embed"));
    for (int i = 0; i < 4; ++i) {
      encoder.embeddings.push_back(rows("point_embeddings." + std::to_string(i)));
    }
    encoder.no_mask = rows("no_mask_embed");
    const std::string mask = name + "mask_downscaling.";
    const int64_t narrow = shape.prompt_half_channels;
    const int64_t wide = shape.prompt_channels;
    encoder.half = read_convolution(b, weights, mask + "0", {narrow, 1, 2, 2});
    encoder.half_norm = read_norm(b, weights, mask + "1", narrow, shape.prompt_eps);
    encoder.quarter = read_convolution(b, weights, mask + "3", {wide, narrow, 2, 2});
    encoder.quarter_norm = read_norm(b, weights, mask + "4", wide, shape.prompt_eps);
    encoder.last = read_convolution(b, weights, mask + "6", {c, wide, 1, 1});
    return encoder;
  }

  // Masks [P, 1, 4 h, 4 w] -> [P, h w, C]
  typename B::Tensor encode(B& b, const Array& masks) const {
    const std::vector<int> splits = {2};
    typename B::Tensor x = b.patches(input_of(masks), {4, 4}, {4, 4}, splits);
    x = b.fold(b.norm_activation(b.linear(x, half), half_norm, Activation::gelu), 4);
    x = b.norm_activation(b.linear(x, quarter), quarter_norm, Activation::gelu, Precision::product);
    return b.linear(x, last);
  }

 private:
  static typename B::Linear read_convolution(B& b, WeightSource& weights, const std::string& name,
                                             const Shape& shape) {
    const Weight weight = weights.named(name + ".weight", shape, Start::convolution);
    const Weight bias = weights.named(name + ".bias", {shape[0]}, Start::zero);
    // What sees one channel has no order of channels, and what sees one pixel none of pixels.
    // No temporary: g++ 12 sees parts of one destroyed that were never made.
    static const std::optional<BatchNorm> kNone;
    return b.make_convolution(weight, bias, kNone, RowOrder::channels_last);
  }
};

}  // namespace fovea
