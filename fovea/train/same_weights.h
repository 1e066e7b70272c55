// A check that all processes start from the same weights.
#pragma once

#include <vector>

#include "fovea/backend/torch/tensor.h"
#include "fovea/processes/processes.h"

namespace fovea {

// All: throws CommonError where the tensors are not the same, to the bit, on all processes. They
// stay so: all take the same steps.
void expect_same_weights(const std::vector<TorchParameter>& tensors, const Processes& processes);

}  // namespace fovea
