// Every tensor, told by the text that loads them.
#include "fovea/model/tensors.h"

#include "fovea/backend/shapes/shapes.h"
#include "fovea/model/vit.h"

namespace fovea {
void for_each_tensor(const Architecture& architecture,
                     const std::function<void(const ListedTensor&)>& visit) {
  Shapes shapes;
  ListingWeights listing(visit);
  Vit<Shapes>::load(shapes, listing, architecture);
}

int64_t count_parameters(const Architecture& architecture) {
  int64_t count = 0;
  for_each_tensor(architecture,
                  [&](const ListedTensor& tensor) { count += elements(tensor.shape); });
  return count;
}

std::set<std::string> tensors_beside(const Architecture& architecture, const Architecture& other) {
  std::set<std::string> names;
  for_each_tensor(architecture, [&](const ListedTensor& tensor) { names.insert(tensor.name); });
  for_each_tensor(other, [&](const ListedTensor& tensor) { names.erase(tensor.name); });
  return names;
}

std::vector<Weight> read_weights(WeightSource& source, const Architecture& architecture) {
  std::vector<Weight> weights;
  for_each_tensor(architecture, [&](const ListedTensor& tensor) {
    weights.push_back(source.named(tensor.name, tensor.shape, tensor.start));
  });
  return weights;
}

}  // namespace fovea
