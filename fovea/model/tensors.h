// The tensors that a model of some architecture consists of.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fovea/io/array.h"
#include "fovea/model/architecture.h"
#include "fovea/model/weights.h"

namespace fovea {

// Calls `visit` with the canonical name (see Checkpoint) and the shape of every tensor, statistics
// of batch norms and biases of queries, keys and values among them, in the order of the forward
// pass.
void for_each_tensor(const Architecture& architecture,
                     const std::function<void(const std::string& name, const Shape& shape)>& visit);

// All of them, read from a source.
std::vector<Weight> read_weights(WeightSource& source, const Architecture& architecture);

}  // namespace fovea
