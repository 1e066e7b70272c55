#include "fovea/train/weight_mean.h"

#include <algorithm>

namespace fovea {

WeightMean::WeightMean(const std::vector<TorchParameter>& parameters, double decay)
    : parameters_(parameters), decay_(decay) {
  if (decay_ == 0) return;
  for (const auto& [name, values] : parameters_) {
    mean_.push_back({"ema." + name, values.detach().clone()});
  }
}

void WeightMean::follow(int64_t step) {
  // So that the first steps don't stay in it: TensorFlow's rule, which timm has too.
  const double decay =
      std::min(decay_, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < mean_.size(); ++i) {
    mean_[i].values.lerp_(parameters_[i].values, 1 - decay);
  }
}

std::vector<Weight> WeightMean::weights() const {
  if (mean_.empty()) return host_copies(parameters_);
  std::vector<TorchParameter> renamed = mean_;
  for (size_t i = 0; i < renamed.size(); ++i) renamed[i].name = parameters_[i].name;
  return host_copies(renamed);
}

}  // namespace fovea
