#include "fovea/model/cost.h"

#include "fovea/backend/shapes/shapes.h"
#include "fovea/model/vit.h"
#include "fovea/tokens/counted_reduction.h"
#include "fovea/tokens/counts.h"

namespace fovea {
namespace {

class NoValues : public WeightSource {
  Array values(const std::string& /*name*/, const Shape& shape, Start /*start*/) override {
    return {shape, {}};
  }
};

}  // namespace

double gflops(const Architecture& a, const Grid& size, const Course& course,
              std::span<const int32_t> layer_tokens) {
  Shapes b;
  NoValues none;
  const auto vit = Vit<Shapes>::load(b, none, a);
  const Input input = {nullptr, 1, a.in_channels, size};
  const Shapes::Tensor x = vit.patch_embed.forward(b, input);
  Reduction<Shapes> tokens(course.merge, layer_tokens, static_cast<int>(x.tokens), a.prefix());
  std::vector<IntArray> routes;
  vit.encode(b, x, course.keep_ratio, tokens, routes,
             [](int /*layer*/, const Shapes::Tensor& /*x*/) {});
  return 2e-9 * static_cast<double>(b.multiply_adds());
}

Cost cost(const Architecture& a, const Grid& size, const MergeOptions& merge,
          std::optional<double> keep_ratio) {
  const Course course = {.merge = merge_course(merge, a.depth),
                         .keep_ratio = keep_ratio_of(a, keep_ratio)};
  const int tokens = static_cast<int>((size / a.patch).size()) + a.prefix();
  std::vector<int> left = tokens_per_layer(course.merge, tokens, a.prefix());
  const double count = gflops(a, size, course, left);
  return {std::move(left), count};
}

}  // namespace fovea
