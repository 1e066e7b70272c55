// What processes compute together. The tests of Together run as two or three processes of this
// program, which the last test starts.
#include "fovea/processes/processes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/backend/torch/batch_norm.h"
#include "fovea/io/fail.h"
#include "fovea/io/testing.h"
#include "fovea/train/gradients.h"
#include "tests/train/mpirun.h"

namespace fovea {
namespace {

using testing::HasSubstr;

TEST(Processes, AreOneWithoutMpirun) {
  if (std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr) GTEST_SKIP() << "started by mpirun";
  const Processes alone;
  EXPECT_EQ(alone.size(), 1);
  EXPECT_EQ(alone.rank(), 0);
  std::vector<double> values = {1, 2};
  alone.sum(values);
  EXPECT_EQ(values, std::vector<double>({1, 2}));
  EXPECT_EQ(error_of([&] { alone.together([] { fail("as it is"); }); }), "as it is");
}

class Together : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) GTEST_SKIP() << "not started by mpirun";
    static const Processes all;  // MPI can only be started once
    processes_ = &all;
    ASSERT_GT(all.size(), 1);
  }
  int rank() const { return processes_->rank(); }
  int size() const { return processes_->size(); }

  const Processes* processes_ = nullptr;
};

TEST_F(Together, Sum) {
  std::vector<double> values = {1, 10.0 * rank()};
  processes_->sum(values);
  EXPECT_EQ(values[0], size());
  EXPECT_EQ(values[1], 10.0 * size() * (size() - 1) / 2);
}

TEST_F(Together, HearWhichOneFailed) {
  const auto fails_on = [&](const auto& chosen) {
    return error_of([&] {
      processes_->together([&] {
        if (chosen(rank())) fail("no luck");
      });
    });
  };
  EXPECT_EQ(fails_on([](int r) { return r == 1; }),
            "process 1 of " + std::to_string(size()) + ": no luck");
  EXPECT_EQ(fails_on([](int) { return true; }), "no luck");
  EXPECT_EQ(fails_on([](int) { return false; }), "");
}

// A loss that leaves out one parameter here and there, and one everywhere.
torch::Tensor loss_of(const std::vector<torch::Tensor>& p, const torch::Tensor& x, bool uses_bias) {
  torch::Tensor y = torch::matmul(torch::tanh(torch::matmul(x, p[0])), p[1]);
  if (uses_bias) y = y + p[2];
  return y.square().mean();
}

std::vector<torch::Tensor> parameters() {
  torch::manual_seed(5);
  std::vector<torch::Tensor> all = {torch::randn({6, 8}), torch::randn({8, 3}), torch::randn({3}),
                                    torch::randn({4})};
  for (torch::Tensor& p : all) p.set_requires_grad(true);
  return all;
}

TEST_F(Together, GetTheMeanGradientWhateverTheSizeOfBuckets) {
  for (const int64_t bytes : {1, 100, 1 << 20}) {
    const std::vector<torch::Tensor> own = parameters();
    const std::vector<torch::Tensor> reference = parameters();
    Gradients gradients(own, *processes_, bytes);
    for (int step = 0; step < 3; ++step) {
      torch::manual_seed(step);
      const torch::Tensor x = torch::randn({size(), 4, 6});
      const auto uses_bias = [&](int r) { return r != 1 || step == 0; };
      loss_of(own, x[rank()], uses_bias(rank())).backward();
      gradients.finish();
      torch::Tensor mean = torch::zeros({});
      for (int r = 0; r < size(); ++r)
        mean = mean + loss_of(reference, x[r], uses_bias(r)) / size();
      mean.backward();
      for (size_t i = 0; i < 3; ++i) {
        EXPECT_TRUE(torch::allclose(own[i].grad(), reference[i].grad(), 1e-5, 1e-6)) << i;
      }
      EXPECT_FALSE(own[3].grad().defined());
      for (const auto& all : {own, reference}) {
        for (torch::Tensor p : all) p.mutable_grad() = torch::Tensor();
      }
    }
  }
}

TEST_F(Together, GiveUpGradientsWhereOneOfThemDoes) {
  const std::vector<torch::Tensor> own = parameters();
  {
    Gradients gradients(own, *processes_, 1);
    if (rank() == 0) loss_of(own, torch::ones({2, 6}), true).backward();
  }  // must not wait for the others for ever
  SUCCEED();
}

TorchBatchNorm batch_norm(torch::Dtype dtype) {
  torch::manual_seed(7);
  const auto options = torch::TensorOptions(dtype);
  TorchBatchNorm norm{torch::rand({5}, options) + 0.5, torch::randn({5}, options),
                      torch::zeros({5}, options), torch::ones({5}, options)};
  norm.gamma.set_requires_grad(true);
  norm.beta.set_requires_grad(true);
  return norm;
}

TEST_F(Together, NormaliseByTheBatchOfAll) {
  for (const std::vector<int64_t>& shape : {{6, 5}, std::vector<int64_t>{4, 5, 3, 2}}) {
    const TorchBatchNorm own = batch_norm(torch::kDouble);
    const TorchBatchNorm reference = batch_norm(torch::kDouble);
    std::vector<int64_t> all_shape = shape;
    all_shape[0] *= size();
    const torch::Tensor all = (3 + 2 * torch::randn(all_shape, torch::kDouble)).requires_grad_();
    const auto part = [&](const torch::Tensor& t) { return t.detach().chunk(size())[rank()]; };
    const torch::Tensor x = part(all).clone().requires_grad_();
    const torch::Tensor y =
        shared_batch_norm(x, own, 0.1, [&](std::span<double> sums) { processes_->sum(sums); });
    const torch::Tensor want =
        torch::batch_norm(all, reference.gamma, reference.beta, reference.mean, reference.variance,
                          true, 0.1, reference.eps, false);
    EXPECT_TRUE(torch::allclose(y, part(want)));
    EXPECT_TRUE(torch::allclose(own.mean, reference.mean));
    EXPECT_TRUE(torch::allclose(own.variance, reference.variance));
    const torch::Tensor weights = torch::randn_like(all.detach());
    (y * part(weights)).sum().backward();
    (want * weights).sum().backward();
    EXPECT_TRUE(torch::allclose(x.grad(), part(all.grad())));
  }
}

TEST(Processes, ComputeTogether) {
  if (!has_mpirun()) GTEST_SKIP() << kMpirun << " is not installed";
  if (std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr) GTEST_SKIP() << "started by mpirun";
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  for (const int count : {2, 3}) {
    const Finished finished = run_processes(count, self, {"--gtest_filter=Together.*"});
    EXPECT_EQ(finished.status, 0) << finished.out << finished.err;
    EXPECT_THAT(finished.out, HasSubstr("PASSED"));
  }
}

}  // namespace
}  // namespace fovea
