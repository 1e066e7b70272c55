// The mean of weights over the steps of a run, which often answers better than the last ones.
#pragma once

#include <cstdint>
#include <vector>

#include "fovea/backend/torch/tensor.h"

namespace fovea {

class WeightMean {
 public:
  // Of parameters that must live as long. `decay` is the mean's share of itself at each step; 0:
  // none is kept.
  WeightMean(const std::vector<TorchParameter>& parameters, double decay);

  // Takes the weights after a step into it.
  void follow(int64_t step);
  // The mean under the parameters' names; the weights themselves where none is kept.
  std::vector<Weight> weights() const;
  // To be saved, and to be filled again.
  const std::vector<TorchParameter>& state() const { return mean_; }

 private:
  const std::vector<TorchParameter>& parameters_;
  double decay_;
  std::vector<TorchParameter> mean_;
};

}  // namespace fovea
