// A plain ViT's weights as those of a big.LITTLE ViT that is to learn from it (Guo et al., arXiv
// 2410.10267): the big blocks are its own, what is new changes nothing at first.
#pragma once

#include "fovea/model/architecture.h"
#include "fovea/model/weights.h"
#include "fovea/train/recipe.h"

namespace fovea {

// Routes the layers of a plain ViT as the recipe says. `name` stands in messages. Throws Error
// where its blocks can't be big ones, or for a key that doesn't fit its layers.
void add_routing(const Recipe& recipe, const std::string& name, Architecture& architecture);

// The big blocks' weights from `plain`. LITTLE blocks add nothing at first (their last layers are
// 0), alphas are 0 and gammas 1: where all tokens take the big path this is the plain model.
class WithRouting : public WeightSource {
 public:
  WithRouting(WeightSource& plain, uint64_t seed) : plain_(plain), initial_(seed, 1) {}
  Array read(const std::string& name, const Shape& shape) override;

 private:
  WeightSource& plain_;
  InitialWeights initial_;
};

}  // namespace fovea
