#include "fovea/model/cost.h"

#include <algorithm>

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
  Reduction<Shapes> tokens(course.merge, layer_tokens, static_cast<int>(x.tokens),
                           a.protected_tokens());
  const Grid grid = a.patches_of(size);
  tokens.place(grid, a.window);
  std::vector<IntArray> routes;
  vit.encode(
      b, x, course, tokens, routes, [](int /*layer*/, const Shapes::Tensor& /*x*/) {},
      [](std::span<const int> /*leaving*/) {});
  if (vit.neck) vit.neck->forward(b, {grid.size(), a.width}, grid);
  return 2e-9 * static_cast<double>(b.multiply_adds());
}

double batch_gflops(const Architecture& a, const Grid& size, const Course& course,
                    const IntArray& layer_tokens) {
  double sum = 0;
  double one = 0;
  std::span<const int32_t> counted;
  for (int64_t i = 0; i < layer_tokens.shape[0]; ++i) {
    const auto tokens = std::span(layer_tokens.data).subspan(i * a.depth, a.depth);
    // Most runs leave as many tokens of every input.
    if (i == 0 || !std::ranges::equal(tokens, counted)) one = gflops(a, size, course, tokens);
    counted = tokens;
    sum += one;
  }
  return sum;
}

Cost cost(const Architecture& a, const Grid& size, const MergeOptions& merge,
          std::optional<double> keep_ratio) {
  Course course = {.merge = merge_course(merge, a.depth),
                   .keep_ratio = keep_ratio_of(a, keep_ratio)};
  const Grid grid = a.patches_of(size);
  const int tokens = static_cast<int>(grid.size()) + a.prefix();
  std::vector<int> left =
      tokens_per_layer(course.merge, tokens, a.protected_tokens(), a.windowed(grid));
  const double count = gflops(a, size, course, left);
  read_pooled_alone(a, course);
  const double computed = course.last_asking > 0 ? gflops(a, size, course, left) : count;
  return {std::move(left), count, computed};
}

}  // namespace fovea
