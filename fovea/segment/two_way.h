// The two-way transformer of Segment Anything's mask decoder: prompts' tokens look at each other
// and at the picture, and the picture at them.
#pragma once

#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/model/attention.h"
#include "fovea/model/weights.h"
#include "fovea/segment/backend.h"
#include "fovea/segment/decoder_shape.h"

namespace fovea {

template <SegmentBackend B>
int64_t images_of(B& b, const typename B::Tensor& x) {
  return static_cast<int64_t>(b.sequences(x).size()) - 1;
}

// The same rows, shared out to images otherwise.
template <SegmentBackend B>
typename B::Tensor regrouped(B& b, const typename B::Tensor& x, Sequences first) {
  std::vector<int32_t> rows(first.back());
  std::iota(rows.begin(), rows.end(), 0);
  return b.gather(x, {std::move(first), std::move(rows)});
}

// All rows of one image, for each of `count` ones.
template <SegmentBackend B>
typename B::Tensor repeated(B& b, const typename B::Tensor& x, int64_t count) {
  const int32_t tokens = b.sequences(x).back();
  Route route{{0}, {}};
  for (int32_t i = 0; i < count; ++i) {
    for (int32_t row = 0; row < tokens; ++row) route.rows.push_back(row);
    route.first.push_back((i + 1) * tokens);
  }
  return b.gather(x, route);
}

// Attention whose queries, keys and values may come of different tokens.
template <SegmentBackend B>
struct Look {
  typename B::Linear q, k, v, out;
  int heads = 1;

  // width: of tokens; inner: of all heads.
  static Look load(B& b, WeightSource& weights, const std::string& name, int64_t width,
                   int64_t inner, int heads) {
    return {read_linear(b, weights, name + ".q_proj", width, inner),
            read_linear(b, weights, name + ".k_proj", width, inner),
            read_linear(b, weights, name + ".v_proj", width, inner),
            read_linear(b, weights, name + ".out_proj", inner, width), heads};
  }

  // softmax(..) v, before `out`, of what has been projected. Where all images' queries see one and
  // the same image's keys, or one image's queries all images' keys, that is held once.
  typename B::Tensor attended(B& b, const typename B::Tensor& queries,
                              const typename B::Tensor& keys,
                              const typename B::Tensor& values) const {
    typename B::Projection seen;
    seen.q = queries;
    seen.k = keys;
    seen.v = values;
    const int64_t asking = images_of(b, queries);
    const int64_t asked = images_of(b, keys);
    if (asking < asked) seen.q = repeated(b, queries, asked);
    if (asking <= asked) return b.attention(seen, heads, {}, {});
    const Sequences first = b.sequences(queries);
    seen.q = regrouped(b, queries, {0, first.back()});
    return regrouped(b, b.attention(seen, heads, {}, {}), first);
  }
};

// A linear layer of a picture's features, which are rounded once where it takes another format.
template <SegmentBackend B>
typename B::Tensor picture_linear(B& b, const typename B::Tensor& features,
                                  const typename B::Linear& w) {
  return b.norm_linear(features, std::nullopt, w, Activation::none, Precision::single);
}

// What a layer sees in the picture: keys and values for tokens, and the queries by which the
// picture looks at these.
template <SegmentBackend B>
struct SeenPicture {
  typename B::Tensor k, v, q;
};

// A picture's cells, [P or 1, h w, C] and [h w, C].
template <SegmentBackend B>
struct Cells {
  typename B::Tensor features;
  typename B::Tensor places;  // codes of where they lie
};

template <SegmentBackend B>
struct TwoWayLayer {
  Look<B> among_tokens, at_picture, of_picture;
  typename B::Linear fc1, fc2;
  typename B::Norm norm1, norm2, norm3, norm4;
  bool is_first = false;

  static TwoWayLayer load(B& b, WeightSource& weights, const DecoderShape& s, int layer) {
    const std::string name = "mask_decoder.transformer.layers." + std::to_string(layer) + ".";
    const auto look = [&](const char* part, int inner) {
      return Look<B>::load(b, weights, name + part, s.width, inner, s.heads);
    };
    const auto norm = [&](const char* part) {
      return read_norm(b, weights, name + part, s.width, s.eps);
    };
    TwoWayLayer loaded;
    loaded.among_tokens = look("self_attn", s.token_width);
    loaded.norm1 = norm("norm1");
    loaded.at_picture = look("cross_attn_token_to_image", s.picture_width);
    loaded.norm2 = norm("norm2");
    loaded.fc1 = read_linear(b, weights, name + "mlp.lin1", s.width, s.mlp_width);
    loaded.fc2 = read_linear(b, weights, name + "mlp.lin2", s.mlp_width, s.width);
    loaded.norm3 = norm("norm3");
    loaded.of_picture = look("cross_attn_image_to_token", s.picture_width);
    loaded.norm4 = norm("norm4");
    loaded.is_first = layer == 0;
    return loaded;
  }

  SeenPicture<B> see(B& b, const Cells<B>& cells) const {
    const typename B::Tensor placed = b.add(cells.features, cells.places, Precision::product);
    return {b.linear(placed, at_picture.k), picture_linear(b, cells.features, at_picture.v),
            b.linear(placed, of_picture.q)};
  }

  // x, places: [P, T, C], places being the tokens as they first came in. x is consumed.
  typename B::Tensor forward_tokens(B& b, typename B::Tensor x, const typename B::Tensor& places,
                                    const SeenPicture<B>& picture) const {
    x = b.layer_norm(after_each_other(b, std::move(x), places), norm1);
    const typename B::Tensor queries = b.linear(b.add(x, places, Precision::product), at_picture.q);
    const typename B::Tensor seen = at_picture.attended(b, queries, picture.k, picture.v);
    x = b.layer_norm(b.add_linear(std::move(x), seen, at_picture.out, {}), norm2);
    const typename B::Tensor hidden = b.linear(x, fc1, Activation::relu, Precision::product);
    return b.layer_norm(b.add_linear(std::move(x), hidden, fc2, {}), norm3);
  }

  // The picture after it has seen the tokens: [P, h w, C]
  typename B::Tensor forward_picture(B& b, const typename B::Tensor& features,
                                     const typename B::Tensor& tokens,
                                     const typename B::Tensor& places,
                                     const SeenPicture<B>& picture) const {
    const typename B::Tensor keys =
        b.linear(b.add(tokens, places, Precision::product), of_picture.k);
    const typename B::Tensor seen =
        of_picture.attended(b, picture.q, keys, b.linear(tokens, of_picture.v));
    return b.layer_norm(b.add(b.linear(seen, of_picture.out), features), norm4);
  }

 private:
  // The first layer knows no places of tokens, and adds nothing to them.
  typename B::Tensor after_each_other(B& b, typename B::Tensor x,
                                      const typename B::Tensor& places) const {
    const Look<B>& look = among_tokens;
    const typename B::Tensor placed = is_first ? x : b.add(x, places, Precision::product);
    const typename B::Tensor seen =
        look.attended(b, b.linear(placed, look.q), b.linear(placed, look.k), b.linear(x, look.v));
    return is_first ? b.linear(seen, look.out) : b.add_linear(std::move(x), seen, look.out, {});
  }
};

}  // namespace fovea
