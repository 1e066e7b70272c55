// A plain ViT's weights as those of a big.LITTLE ViT that is to learn from it (Guo et al., arXiv
// 2410.10267): the big blocks are its own, what is new changes nothing at first.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "fovea/model/architecture.h"
#include "fovea/model/weights.h"
#include "fovea/train/recipe.h"

namespace fovea {

// Routes the layers of a plain ViT as the recipe says. `name` stands in messages. Throws Error
// where its blocks can't be big ones, or for a key that doesn't fit its layers.
void add_routing(const Recipe& recipe, const std::string& name, Architecture& architecture);

// The big blocks' weights from `plain`. LITTLE blocks add nothing at first (what begins as
// Start::joining is 0), alphas are 0 and gammas 1: where all tokens take the big path this is the
// plain model.
class WithRouting : public WeightSource {
 public:
  WithRouting(WeightSource& plain, const Architecture& routed, uint64_t seed);

 private:
  Array values(const std::string& name, const Shape& shape, Start start) override;

  WeightSource& plain_;
  std::set<std::string> of_routing_;
  InitialWeights initial_;
};

}  // namespace fovea
