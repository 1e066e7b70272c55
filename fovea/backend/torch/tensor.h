// Activations and weights of the torch backend.
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/backend/kinds.h"
#include "fovea/backend/plan.h"
#include "fovea/backend/projection.h"
#include "fovea/backend/weight.h"

namespace fovea {

// [B, T_b, C] as rows [sum of T_b, C]: T may differ from image to image.
struct TorchTensor {
  torch::Tensor rows;
  std::shared_ptr<const Sequences> first;

  int64_t batch() const { return static_cast<int64_t>(first->size()) - 1; }
  int64_t channels() const { return rows.size(1); }
};

// Sequences of `batch` images of `tokens` each.
std::shared_ptr<const Sequences> even_sequences(int64_t batch, int64_t tokens);

// Scales and shifts by the statistics of a batch, [channels] each; mean and variance follow those
// of the batches that it is trained on.
struct TorchBatchNorm {
  torch::Tensor gamma, beta, mean, variance;
  double eps = 1e-5;
};

struct TorchLinear {
  torch::Tensor weight;  // [out, in], or [out, in, k, k] as a convolution's
  torch::Tensor bias;    // [out], or undefined
  RowOrder order = RowOrder::channels_first;
  std::shared_ptr<const TorchBatchNorm> norm = {};  // of a convolution, or null
  double drop_path = 0;   // how often, while training, add_linear adds nothing to an image
  bool is_gated = false;  // gates are the first half of the rows
  bool unfolds = false;   // the weight is a transposed convolution's, [in, out, k, k]
};

using TorchProjection = Projected<TorchTensor>;

// Biases of attention by relative position, of a grid of patches.
struct TorchRelative {
  Grid grid = {};
  torch::Tensor table;  // [entries, heads]
};

// Tables of biases by rows and by columns apart, [2 h - 1, d] and [2 w - 1, d].
struct TorchDecomposed {
  torch::Tensor rows, columns;
};

struct TorchNorm {
  torch::Tensor gamma, beta;  // beta undefined: RMSNorm
  double eps = 1e-6;
};

// What stands before, and what is added to, the patches of an input.
struct TorchPositions {
  torch::Tensor prefix;   // [p, C], or undefined
  torch::Tensor patches;  // [P, C], or undefined
};

// A weight under its canonical name; one that is not trained (the statistics of a batch norm) needs
// no gradient.
struct TorchParameter {
  std::string name;
  torch::Tensor values;
};

// Copies in host memory and single precision.
std::vector<Weight> host_copies(const std::vector<TorchParameter>& parameters);

}  // namespace fovea
