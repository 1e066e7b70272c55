// What foveal merging compares tokens by (docs/merging.md): a projection of each layer, made of the
// weights that read its tokens next, so that two tokens are alike if these make the same of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "fovea/model/block.h"
#include "fovea/tokens/gram.h"

namespace fovea {

namespace foveal {

// Rows that a LayerNorm makes the unit vectors less their mean of, all as long, and one of zeros
// behind them: what a layer behind the norm makes of the others less what it makes of the last is
// itself, its norm's scale folded in. [width + 1, width].
template <MatchingBackend B>
typename B::Tensor probes(B& b, int width) {
  constexpr float kLarge = 1e4F;  // beside which the norm's eps is nothing
  Array rows({width + 1, width});
  for (int i = 0; i < width; ++i) rows.data[static_cast<size_t>(i) * (width + 1)] = kLarge;
  return b.write(rows);
}

// Adds the products of the columns of a layer, by what it makes of the probes, to `gram` [C, C], in
// the sum over its diagonal 1.
template <MatchingBackend B>
void add_gram(B& b, Array columns, Array& gram) {
  const int64_t width = gram.shape[0];
  const int64_t out = columns.shape[1];
  for (int64_t i = 0; i < width * out; ++i) columns.data[i] -= columns.data[width * out + i % out];
  columns.shape[0] = width;
  columns.data.resize(width * out);
  const Array products = b.read(b.linear(b.write(columns), b.make_fixed_linear(columns)));
  double trace = 0;
  for (int64_t i = 0; i < width; ++i) trace += products.data[i * (width + 1)];
  for (int64_t i = 0; i < width * width; ++i) {
    gram.data[i] += static_cast<float>(products.data[i] / trace);
  }
}

template <MatchingBackend B>
Array mlp_of(B& b, const typename B::Tensor& x, const Mlp<B>& mlp) {
  return b.read(b.linear(mlp.norm ? b.layer_norm(x, *mlp.norm) : x, mlp.fc1));
}

template <MatchingBackend B>
Array qkv_of(B& b, const typename B::Tensor& x, const Attention<B>& attention) {
  const std::vector<typename B::Projection> seen = {
      b.project(x, attention.norm, attention.qkv, false)};
  const typename B::Tensor keys_queries =
      b.concat_channels(b.head_concat(seen, QkvPart::q), b.head_concat(seen, QkvPart::k));
  return b.read(b.concat_channels(keys_queries, b.head_concat(seen, QkvPart::v)));
}

}  // namespace foveal

// Of every layer. channels: of the projection, less where the model is narrower.
template <MatchingBackend B>
std::vector<Reader<B>> read_ahead(B& b, const std::vector<Block<B>>& blocks, int width, double eps,
                                  int channels) {
  const typename B::Tensor probes = foveal::probes(b, width);
  std::vector<Reader<B>> readers;
  for (size_t layer = 0; layer < blocks.size(); ++layer) {
    const Block<B>& next = blocks[std::min(layer + 1, blocks.size() - 1)];
    Array gram({width, width});
    for (const Mlp<B>& mlp : blocks[layer].ffns) {
      foveal::add_gram(b, foveal::mlp_of(b, probes, mlp), gram);
    }
    for (const Attention<B>& attention : next.attns) {
      foveal::add_gram(b, foveal::qkv_of(b, probes, attention), gram);
    }
    const typename B::Linear product = b.make_fixed_linear(gram);
    const auto multiply = [&](const Array& rows) {
      return b.read(b.linear(b.write(rows), product));
    };
    Reader<B> reader{{}, b.make_fixed_linear(factor_gram(width, channels, multiply))};
    if (next.attns[0].norm) reader.norm = b.make_fixed_norm(width, eps);
    readers.push_back(std::move(reader));
  }
  return readers;
}

}  // namespace fovea
