// What a run costs, by the sizes of its matrix products.
#include <algorithm>

#include "fovea/model/architecture.h"
#include "fovea/tokens/counts.h"
#include "fovea/tokens/routing.h"

namespace fovea {
namespace {

int patches_of(const Architecture& a, int height, int width) {
  return height / a.patch[0] * (width / a.patch[1]);
}

// Multiply-adds of the stem for each patch.
double stem_products(const Architecture& a) {
  const double width = a.width;
  const double pixels = static_cast<double>(a.patch[0]) * a.patch[1];
  if (a.stem == Stem::linear) return 3 * pixels * width;
  double products = 0;
  double channels = 3;
  double places = pixels;  // where a convolution is taken
  for (const StemConvolution& step : a.convolutions) {
    places /= static_cast<double>(step.stride) * step.stride;
    products += places * step.kernel * step.kernel * channels * step.channels;
    channels = step.channels;
  }
  return a.stem == Stem::conv ? products + channels * width : products;
}

// Of a big.LITTLE ViT's layer `layer` (from 0) that `patches` patches and the prefix go through.
double routed_products(const Architecture& a, int layer, int patches) {
  const Routing& routing = *a.routing;
  const double c = a.width;
  const double tokens = patches + a.prefix();
  const double selected = selected_patches(routing.keep_ratio, patches) + a.prefix();
  double products = 2 * c * c * tokens + 2 * c * c * selected + 2 * tokens * selected * c +
                    2.0 * c * a.mlp_width * selected;
  if (routing.has_little(layer)) {
    const double e = routing.little_width;
    products += 4 * c * e * tokens + 2 * tokens * tokens * e +
                (2 * c * e + 2 * e * routing.little_mlp_width) * tokens;
  }
  const auto& predicting = routing.predict_after;
  const bool predicts = std::find(predicting.begin(), predicting.end(), layer) != predicting.end();
  return products + (predicts ? 2 * c * tokens : 0);
}

}  // namespace

double gflops(const Architecture& a, int height, int width, const MergeOptions& merge,
              std::span<const int32_t> layer_tokens) {
  const std::vector<int> schedule = layer_schedule(merge.schedule, a.depth);
  const double c = a.width;
  const int patches = patches_of(a, height, width);
  double products = patches * stem_products(a);
  int tokens = patches + a.prefix();
  for (int layer = 0; layer < a.plain_layers(); ++layer) {
    const int left = layer_tokens[layer];
    const bool before = merge.placement == Placement::before_attention;
    const double attended = before ? left : tokens;
    const double mixed = merge.placement == Placement::after_mlp ? tokens : left;
    const double attention = 4 * c * c * attended + 2 * attended * attended * c;
    const double mlp = 2.0 * c * a.mlp_width * mixed;
    const bool looks = before && count_taken(merge, schedule[layer], tokens, a.prefix()) > 0;
    const double looking = looks && wanted_by(merge).qkv ? 3 * c * c * tokens : 0;
    products += a.branches * (looking + attention + mlp);
    tokens = left;
  }
  for (int layer = a.plain_layers(); layer < a.depth; ++layer) {
    products += routed_products(a, layer, patches);
  }
  return 2e-9 * products;
}

Cost cost(const Architecture& a, int height, int width, const MergeOptions& merge) {
  const int tokens = patches_of(a, height, width) + a.prefix();
  const std::vector<int> left = tokens_per_layer(merge, a.depth, tokens, a.prefix());
  return {left, gflops(a, height, width, merge, left)};
}

}  // namespace fovea
