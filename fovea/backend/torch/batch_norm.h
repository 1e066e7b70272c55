// Batch norms over a batch that several processes share.
#pragma once

#include <torch/types.h>

#include <functional>
#include <span>

#include "fovea/backend/torch/tensor.h"

namespace fovea {

// Sums numbers over all processes, in place. All of them call it, in the same order.
using Reducer = std::function<void(std::span<double>)>;

// libtorch's batch_norm while training, for x [N, C] or [N, C, H, W] of which every process has
// some N: mean and variance, also the remembered ones (which follow by `momentum`), are those over
// all processes. Gradients flow between them, as those of the sum of all their losses.
torch::Tensor shared_batch_norm(const torch::Tensor& x, const TorchBatchNorm& norm, double momentum,
                                const Reducer& reduce);

}  // namespace fovea
