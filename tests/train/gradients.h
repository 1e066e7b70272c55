// Gradients against central differences, in double precision.
#pragma once

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace fovea {

struct GradientInput {
  std::string name;
  torch::Tensor values;  // a leaf that needs a gradient
};

// Expects the gradient of each input, along two random directions, to be the change of `function`
// (any shape; a random sum over it is taken) when the input moves by `step`, which must be small
// where the function has kinks.
inline void expect_gradients(const std::function<torch::Tensor()>& function,
                             const std::vector<GradientInput>& inputs, double step = 1e-5) {
  const torch::Tensor output = function();
  const torch::Tensor weights = torch::randn(output.sizes(), output.options()).detach();
  const auto value = [&] { return (function() * weights).sum(); };
  std::vector<torch::Tensor> leaves;
  for (const GradientInput& input : inputs) leaves.push_back(input.values);
  const auto gradients =
      torch::autograd::grad({value()}, leaves, {}, std::nullopt, false, /*allow_unused=*/true);
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_TRUE(gradients[i].defined()) << inputs[i].name << " has no gradient";
    for (int repeat = 0; repeat < 2; ++repeat) {
      const torch::Tensor direction = torch::randn_like(inputs[i].values);
      const double got = (gradients[i] * direction).sum().item<double>();
      inputs[i].values.add_(direction, step);
      const double above = value().item<double>();
      inputs[i].values.sub_(direction, 2 * step);
      const double below = value().item<double>();
      inputs[i].values.add_(direction, step);
      const double want = (above - below) / (2 * step);
      EXPECT_NEAR(got, want, 1e-6 * std::max({1.0, std::abs(want), std::abs(above)}))
          << inputs[i].name;
    }
  }
}

}  // namespace fovea
