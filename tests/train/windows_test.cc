// Window attention and selection within windows, on the torch backend.
#include <gtest/gtest.h>

#include <memory>

#include "fovea/backend/torch/torch.h"
#include "tests/plain_windows.h"

namespace fovea {
namespace {

TEST(TorchWindowAttention, IsThePlainOne) {
  const torch::NoGradGuard no_grad;
  for (const int side : {1, 2, 3, 7, 8}) {
    Torch torch(torch::kCPU, torch::kDouble);
    WindowExample example(side);
    const Array& x = example.x();
    const TorchTensor rows{
        torch::tensor(std::vector<double>(x.data.begin(), x.data.end()), torch::kDouble)
            .view({x.shape[0], x.shape[1]}),
        std::make_shared<const Sequences>(example.sequences())};
    example.check_plain_block(torch, rows, 1e-5);
    example.check_routed_block(torch, rows, 1e-5);
  }
}

}  // namespace
}  // namespace fovea
