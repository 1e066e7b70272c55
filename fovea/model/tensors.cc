// Every tensor, told by the text that loads them.
#include "fovea/model/tensors.h"

#include "fovea/backend/shapes/shapes.h"
#include "fovea/model/vit.h"

namespace fovea {
namespace {

// Has no values, and tells of each tensor that it is asked for once.
class Listing : public WeightSource {
 public:
  using Visit = std::function<void(const ListedTensor&)>;
  explicit Listing(const Visit& visit) : visit_(visit) {}

 private:
  Array values(const std::string& name, const Shape& shape, Start start) override {
    if (seen_.insert(name).second) visit_({name, shape, start});
    return {shape, {}};
  }

  const Visit& visit_;
  std::set<std::string> seen_;
};

}  // namespace

void for_each_tensor(const Architecture& architecture,
                     const std::function<void(const ListedTensor&)>& visit) {
  Shapes shapes;
  Listing listing(visit);
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
