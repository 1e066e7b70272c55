// What a run costs, by the sizes of its matrix products.
#include <algorithm>

#include "fovea/model/architecture.h"
#include "fovea/tokens/counts.h"
#include "fovea/tokens/routing.h"

namespace fovea {
namespace {

// Multiply-adds of the stem for each patch.
double stem_products(const Architecture& a) {
  const double width = a.width;
  const auto pixels = static_cast<double>(a.patch.size());
  if (a.stem == Stem::linear) return a.in_channels * pixels * width;
  double products = 0;
  double channels = a.in_channels;
  double places = pixels;  // where a convolution is taken
  for (const StemConvolution& step : a.convolutions) {
    places /= static_cast<double>(step.stride) * step.stride;
    products += places * step.kernel * step.kernel * channels * step.channels;
    channels = step.channels;
  }
  return a.stem == Stem::conv ? products + channels * width : products;
}

// How many tokens are where in a layer.
struct LayerTokens {
  double attended, mixed;  // in attention and in the MLP
};

LayerTokens tokens_in(const MergeOptions& merge, int entering, int leaving) {
  const bool before = merge.placement == Placement::before_attention;
  const bool after = merge.placement == Placement::after_mlp;
  return {static_cast<double>(before ? leaving : entering),
          static_cast<double>(after ? entering : leaving)};
}

// Of a plain layer where so many tokens ask.
double plain_products(const Architecture& a, const LayerTokens& tokens, double asking) {
  const double c = a.width;
  const double attention =
      2 * c * c * (tokens.attended + asking) + 2 * tokens.attended * asking * c;
  const double layers = a.block.gated ? 3 : 2;  // of the MLP
  return a.block.branches *
         (attention + layers * c * a.block.mlp_width * std::min(asking, tokens.mixed));
}

// Of a big.LITTLE ViT's layer `layer` (from 0) where `selected` tokens take the big path.
double routed_products(const Architecture& a, int layer, const LayerTokens& tokens,
                       double selected) {
  const Routing& routing = *a.routing;
  const double c = a.width;
  const double asking = std::min(selected, tokens.attended);
  const double asked = routing.cross_attention ? tokens.attended : asking;
  double products = 2 * c * c * asked + 2 * c * c * asking + 2 * asked * asking * c +
                    2.0 * c * a.block.mlp_width * std::min(selected, tokens.mixed);
  if (routing.has_little(layer)) {
    const double e = routing.little_width;
    products += 4 * c * e * tokens.attended + 2 * tokens.attended * tokens.attended * e +
                (2 * c * e + 2 * e * routing.little_mlp_width) * tokens.mixed;
  }
  return products;
}

bool predicts_before(const Routing& routing, int layer) {
  const auto& after = routing.predict_after;
  return std::find(after.begin(), after.end(), layer) != after.end();
}

}  // namespace

double gflops(const Architecture& a, const Grid& size, const MergeOptions& merge,
              std::span<const int32_t> layer_tokens) {
  const std::vector<Amount> schedule = layer_schedule(merge, a.depth);
  const double c = a.width;
  const auto patches = static_cast<int>((size / a.patch).size());
  double products = patches * stem_products(a);
  int tokens = patches + a.prefix();
  int selected = 0;
  for (int layer = 0; layer < a.depth; ++layer) {
    const int left = layer_tokens[layer];
    const bool routed = layer >= a.plain_layers();
    if (routed && predicts_before(*a.routing, layer)) {
      selected = selected_tokens(a, a.routing->keep_ratio, tokens);
      products += 2 * c * tokens;
    }
    const LayerTokens in = tokens_in(merge, tokens, left);
    const bool looks = merge.placement == Placement::before_attention && wanted_by(merge).qkv &&
                       count_taken(merge, schedule[layer], tokens, a.prefix()) > 0;
    if (looks) products += a.block.branches * c * c * (2 * tokens + (routed ? selected : tokens));
    products +=
        routed ? routed_products(a, layer, in, selected) : plain_products(a, in, in.attended);
    tokens = left;
  }
  return 2e-9 * products;
}

double computed_gflops(const Architecture& a, const Grid& size, const MergeOptions& merge,
                       std::span<const int32_t> layer_tokens) {
  const double all = gflops(a, size, merge, layer_tokens);
  const double asking = last_asking(a, merge);
  if (asking == 0) return all;
  const int entering = a.depth > 1 ? layer_tokens[a.depth - 2]
                                   : static_cast<int>((size / a.patch).size()) + a.prefix();
  const LayerTokens in = tokens_in(merge, entering, layer_tokens[a.depth - 1]);
  return all - 2e-9 * (plain_products(a, in, in.attended) - plain_products(a, in, asking));
}

int selected_tokens(const Architecture& a, double keep_ratio, int tokens) {
  return a.prefix() + selected_patches(keep_ratio, tokens - a.prefix());
}

Cost cost(const Architecture& a, const Grid& size, const MergeOptions& merge) {
  const int tokens = static_cast<int>((size / a.patch).size()) + a.prefix();
  const std::vector<int> left = tokens_per_layer(merge, a.depth, tokens, a.prefix());
  return {left, gflops(a, size, merge, left), computed_gflops(a, size, merge, left)};
}

}  // namespace fovea
