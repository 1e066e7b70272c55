// What makes Segment Anything's embedding of an encoder's tokens: a 1x1 and a 3x3 convolution.
#pragma once

#include "fovea/model/attention.h"

namespace fovea {

template <Backend B>
struct Neck {
  typename B::Linear narrow, mix;
  typename B::Norm narrow_norm, mix_norm;

  static Neck load(B& b, WeightSource& weights, const Architecture& a) {
    const int64_t channels = a.neck;
    const auto convolution = [&](const char* name, int64_t in, int kernel) {
      return weights.named(name, {channels, in, kernel, kernel}, Start::convolution);
    };
    const auto norm = [&](const char* name) { return read_norm(b, weights, name, channels, 1e-6); };
    Neck neck;
    neck.narrow = b.make_linear(convolution("neck.0.weight", a.width, 1), {});
    neck.narrow_norm = norm("neck.1");
    neck.mix = b.make_convolution(convolution("neck.2.weight", channels, 3), {}, std::nullopt,
                                  RowOrder::channels_last);
    neck.mix_norm = norm("neck.3");
    return neck;
  }

  // x [B, h w, C], row by row over the grid -> [B, h w, channels].
  typename B::Tensor forward(B& b, const typename B::Tensor& x, const Grid& grid) const {
    const typename B::Tensor narrowed = b.layer_norm(b.linear(x, narrow), narrow_norm);
    return b.layer_norm(b.convolve(narrowed, mix, grid, 1), mix_norm);
  }
};

}  // namespace fovea
