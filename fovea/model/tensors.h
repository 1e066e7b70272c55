// The tensors that a model of some architecture consists of.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "fovea/io/array.h"
#include "fovea/model/architecture.h"
#include "fovea/model/weights.h"

namespace fovea {

struct ListedTensor {
  std::string name;  // canonical (see Checkpoint)
  Shape shape;
  Start start;
};

// Has no values, and tells of each tensor that it is asked for once: what is loaded with it on
// backend/shapes tells of all its tensors.
class ListingWeights : public WeightSource {
 public:
  using Visit = std::function<void(const ListedTensor&)>;
  explicit ListingWeights(const Visit& visit) : visit_(visit) {}

 private:
  Array values(const std::string& name, const Shape& shape, Start start) override {
    if (seen_.insert(name).second) visit_({name, shape, start});
    return {shape, {}};
  }

  const Visit& visit_;
  std::set<std::string> seen_;
};

// Calls `visit` with every tensor, statistics of batch norms and biases of queries, keys and values
// among them, in the order in which a model loads them.
void for_each_tensor(const Architecture& architecture,
                     const std::function<void(const ListedTensor&)>& visit);

// How many numbers they hold.
int64_t count_parameters(const Architecture& architecture);

// The names of those that it has and another has not.
std::set<std::string> tensors_beside(const Architecture& architecture, const Architecture& other);

// All of them, read from a source.
std::vector<Weight> read_weights(WeightSource& source, const Architecture& architecture);

}  // namespace fovea
