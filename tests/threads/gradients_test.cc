// The thread that sums gradients, beside the backward pass that makes them.
#include "fovea/train/gradients.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

namespace fovea {
namespace {

std::vector<torch::Tensor> parameters() {
  torch::manual_seed(5);
  std::vector<torch::Tensor> all = {torch::randn({6, 8}), torch::randn({8, 3}), torch::randn({3}),
                                    torch::randn({4})};
  for (torch::Tensor& p : all) p.set_requires_grad(true);
  return all;
}

// The last parameter is not in it.
torch::Tensor loss_of(const std::vector<torch::Tensor>& p, const torch::Tensor& x) {
  return torch::tanh(torch::matmul(torch::tanh(torch::matmul(x, p[0])), p[1]) + p[2]).sum();
}

TEST(GradientThreads, GiveTheMeanOfEqualProcesses) {
  const Processes two;
  for (const int64_t bytes : {1, 100, 1 << 20}) {
    const std::vector<torch::Tensor> own = parameters();
    const std::vector<torch::Tensor> reference = parameters();
    Gradients gradients(own, two, bytes);
    for (int step = 0; step < 20; ++step) {
      const torch::Tensor x = torch::randn({4, 6});
      loss_of(own, x).backward();
      gradients.finish();
      loss_of(reference, x).backward();
      for (size_t i = 0; i < 3; ++i) {
        EXPECT_TRUE(torch::equal(own[i].grad(), reference[i].grad())) << bytes << ' ' << i;
      }
      EXPECT_FALSE(own[3].grad().defined());
      for (const auto& all : {own, reference}) {
        for (torch::Tensor p : all) p.mutable_grad() = torch::Tensor();
      }
    }
  }
}

TEST(GradientThreads, EndInTheMiddleOfAStep) {
  const Processes two;
  for (int round = 0; round < 50; ++round) {
    const std::vector<torch::Tensor> own = parameters();
    Gradients gradients(own, two, 1);
    loss_of(own, torch::ones({2, 6})).backward();
  }
  SUCCEED();
}

}  // namespace
}  // namespace fovea
