// What a run costs, by the sizes of its matrix products.
#include <algorithm>

#include "fovea/model/architecture.h"

namespace fovea {

Cost cost(const Architecture& a, int height, int width, const std::vector<int>& schedule) {
  const double c = a.width;
  const double patches = static_cast<double>(height / a.patch[0]) * (width / a.patch[1]);
  const double pixels = 3.0 * a.patch[0] * a.patch[1];
  double products = patches * pixels * c;
  if (a.stem == Stem::hmlp) {
    // The first convolution has a quarter of the channels; the next ones see 4 pieces and then 1 of
    // 4 a patch.
    products = patches * (pixels * c / 4 + 4 * c * c / 4 + c * c);
  }
  Cost total;
  int tokens = static_cast<int>(patches) + a.prefix();
  for (int layer = 0; layer < a.depth; ++layer) {
    const int left = tokens - std::min(schedule.at(layer), (tokens - a.prefix()) / 2);
    const double attention = 4 * c * c * tokens + 2.0 * tokens * tokens * c;
    const double mlp = 2.0 * c * a.mlp_width * left;
    products += a.branches * (attention + mlp);
    tokens = left;
    total.tokens_per_layer.push_back(tokens);
  }
  total.gflops = 2e-9 * products;
  return total;
}

}  // namespace fovea
