#include "fovea/model/embed.h"

#include <cmath>

namespace fovea {
namespace {

constexpr double kBatchNormEps = 1e-5;

}  // namespace

FoldedConvolution fold_convolution(WeightSource& weights, const std::string& convolution,
                                   const std::string& norm, const Shape& shape, bool as_it_lies) {
  const int64_t out = shape[0];
  const int64_t in = shape[1];
  const int64_t area = shape[2] * shape[3];
  const Array weight = weights.read(convolution + ".weight", shape);
  const Array bias = weights.read(convolution + ".bias", {out});
  const Array gamma = weights.read(norm + ".weight", {out});
  const Array beta = weights.read(norm + ".bias", {out});
  const Array mean = weights.read(norm + ".running_mean", {out});
  const Array variance = weights.read(norm + ".running_var", {out});
  FoldedConvolution folded{Array({out, in * area}), Array({out})};
  for (int64_t o = 0; o < out; ++o) {
    const double factor = gamma.data[o] / std::sqrt(variance.data[o] + kBatchNormEps);
    folded.bias.data[o] = static_cast<float>((bias.data[o] - mean.data[o]) * factor + beta.data[o]);
    for (int64_t i = 0; i < in * area; ++i) {
      const int64_t to = as_it_lies ? i : i % area * in + i / area;
      folded.weight.data[o * in * area + to] =
          static_cast<float>(weight.data[o * in * area + i] * factor);
    }
  }
  return folded;
}

}  // namespace fovea
