#include "fovea/train/big_little_student.h"

#include <algorithm>
#include <functional>

#include "fovea/io/fail.h"
#include "fovea/model/tensors.h"

namespace fovea {
namespace {

constexpr int kPredictEvery = 3;  // layers, as ViT-B's of the paper

std::vector<int> predicting_layers(const Recipe& recipe, int depth) {
  if (!recipe.predict_after.empty()) return recipe.predict_after;
  std::vector<int> layers;
  for (int layer = 1; layer < depth; layer += kPredictEvery) layers.push_back(layer);
  return layers;
}

void check_layers(const std::vector<int>& layers, int depth) {
  const bool ascending = std::is_sorted(layers.begin(), layers.end(), std::less_equal<>());
  if (layers.empty() || !ascending || layers.back() >= depth) {
    fail("predict_after: of a model of {} layers; expected layers from 1 to {}, ascending", depth,
         depth - 1);
  }
}

void set_little(const Recipe& recipe, const Architecture& a, Routing& routing) {
  if (routing.little_every == 0) return;
  routing.little_width = recipe.little_width > 0 ? recipe.little_width : std::max(1, a.width / 4);
  const int wide_heads = std::max(1, routing.little_width / 64);
  routing.little_heads = recipe.little_heads > 0 ? recipe.little_heads : wide_heads;
  routing.little_mlp_width = 4 * routing.little_width;
  if (routing.little_width % routing.little_heads != 0) {
    fail("little_width is {} and little_heads is {}; expected a width that heads divide",
         routing.little_width, routing.little_heads);
  }
}

std::set<std::string> tensors_of_routing(const Architecture& routed) {
  Architecture plain = routed;
  plain.routing.reset();
  return tensors_beside(routed, plain);
}

}  // namespace

void add_routing(const Recipe& recipe, const std::string& name, Architecture& a) {
  if (a.block.branches > 1 || a.block.scale_attention) {
    fail("{}: has {}; expected the blocks of a plain ViT to make a big.LITTLE ViT of", name,
         a.block.scale_attention ? "LayerScale" : "parallel branches");
  }
  if (a.window > 0 && !recipe.cross_attention) {
    fail("cross_attention is false; expected true for {}, which has windows", name);
  }
  Routing routing;
  routing.predict_after = predicting_layers(recipe, a.depth);
  check_layers(routing.predict_after, a.depth);
  routing.first_big = routing.predict_after.front();
  routing.little_every = recipe.little_every;
  routing.learned = recipe.learned_routing;
  routing.cross_attention = recipe.cross_attention;
  set_little(recipe, a, routing);
  a.routing = routing;
}

WithRouting::WithRouting(WeightSource& plain, const Architecture& routed, uint64_t seed)
    : plain_(plain), of_routing_(tensors_of_routing(routed)), initial_(seed, 1) {}

Array WithRouting::values(const std::string& name, const Shape& shape, Start start) {
  if (!of_routing_.contains(name)) return plain_.read(name, shape, start);
  return start == Start::joining ? Array(shape) : initial_.read(name, shape, start);
}

}  // namespace fovea
