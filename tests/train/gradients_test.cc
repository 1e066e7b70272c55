// The gradients of every operation of the torch backend, and those of whole models that merge.
#include "tests/train/gradients.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "fovea/model/taps.h"
#include "fovea/tokens/matching.h"
#include "fovea/tokens/partitions.h"
#include "fovea/tokens/routing.h"
#include "tests/goldens.h"
#include "tests/train/torch_model.h"

namespace fovea {
namespace {

class TorchGradients : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }

  // A leaf of random numbers that the next check moves.
  torch::Tensor input(const std::string& name, std::vector<int64_t> shape) {
    inputs_.push_back({name, torch::randn(shape, torch::kDouble).set_requires_grad(true)});
    return inputs_.back().values;
  }

  TorchTensor tokens(const Sequences& first, int64_t channels) {
    return {input("x", {first.back(), channels}), std::make_shared<Sequences>(first)};
  }

  void expect(const std::function<torch::Tensor()>& function) {
    expect_gradients(function, inputs_);
  }

  TorchLinear linear(int64_t in, int64_t out) {
    return {input("weight", {out, in}), input("bias", {out}), RowOrder::channels_first, nullptr};
  }

  TorchNorm norm(int64_t channels) {
    return {input("gamma", {channels}), input("beta", {channels}), 1e-6};
  }

  Torch torch_{torch::kCPU, torch::kDouble};
  std::vector<GradientInput> inputs_;
};

const Sequences kEven = {0, 6, 12};
const Sequences kRagged = {0, 7, 11, 12};

std::vector<float> some_sizes(int64_t rows) {
  std::vector<float> sizes;
  for (int64_t i = 0; i < rows; ++i) sizes.push_back(static_cast<float>(1 + i * 5 % 4));
  return sizes;
}

TEST_F(TorchGradients, OfLinearLayersAndNorms) {
  const TorchTensor x = tokens(kRagged, 5);
  const TorchTensor wide = tokens(kRagged, 8);
  const TorchLinear up = linear(5, 8);
  const TorchLinear down = linear(8, 5);
  const TorchNorm layer_norm = norm(5);
  const torch::Tensor scale = input("scale", {5});
  expect([&] {
    const TorchTensor hidden = torch_.norm_linear(x, layer_norm, up, Activation::gelu);
    const TorchTensor sum =
        torch_.add_linear(x, torch_.linear(x, up, Activation::gelu), down, scale);
    const TorchTensor plain = torch_.add_linear(x, wide, down, {});
    return torch::cat({hidden.rows, sum.rows, plain.rows, torch_.linear(wide, down).rows,
                       torch_.layer_norm(x, layer_norm).rows},
                      1);
  });
}

TEST_F(TorchGradients, OfAttention) {
  for (const Sequences& first : {kEven, kRagged}) {
    for (const bool weighted : {false, true}) {
      inputs_.clear();
      const TorchTensor x = tokens(first, 8);
      const TorchNorm layer_norm = norm(8);
      const TorchLinear qkv = linear(8, 24);
      std::vector<float> log_sizes;
      if (weighted) log_sizes = some_sizes(first.back());
      for (float& size : log_sizes) size = std::log(size);
      expect([&] {
        return torch_
            .attention(torch_.project(x, layer_norm, qkv, false), 2, {.log_sizes = log_sizes})
            .rows;
      });
    }
  }
}

TEST_F(TorchGradients, OfFeatures) {
  const std::vector<TorchTensor> plain = {tokens(kRagged, 12), tokens(kRagged, 12)};
  std::vector<TorchProjection> branches;
  for (const TorchTensor& x : plain) {
    branches.push_back({torch_.columns(x, 0, 4), torch_.columns(x, 4, 4), torch_.columns(x, 8, 4)});
  }
  expect([&] {
    return torch::cat({torch_.head_mean(branches, QkvPart::q, 2).rows,
                       torch_.head_mean(branches, QkvPart::k, 2).rows,
                       torch_.head_concat(branches, QkvPart::v).rows, torch_.mean(plain).rows},
                      1);
  });
}

TEST_F(TorchGradients, OfEveryWayToMerge) {
  const TorchTensor x = tokens(kRagged, 6);
  const std::vector<float> sizes = some_sizes(x.rows.size(0));
  const Partition partition = alternate(kRagged, 1);
  const Edges edges = torch_.match(x, partition, Distance::cosine);
  const std::vector<Amount> amounts(kRagged.size() - 1, 2);
  const Plan plan = bipartite_plan(kRagged, partition, edges, amounts, 1);
  ASSERT_LT(plan.first.back(), kRagged.back());
  for (const MergeMode mode :
       {MergeMode::weighted, MergeMode::mean, MergeMode::amax, MergeMode::keep}) {
    expect([&] { return torch_.merge(x, sizes, plan, mode).rows; });
  }
}

// A routed layer, part by part. Who is selected stays as it is.
TEST_F(TorchGradients, OfRouting) {
  const TorchTensor x = tokens(kRagged, 8);
  const TorchNorm layer_norm = norm(8);
  const TorchLinear qkv = linear(8, 24);
  const TorchLinear predictor = linear(8, 2);
  const torch::Tensor alpha = input("alpha", {1});
  const torch::Tensor gamma = input("gamma", {1});
  const Route route =
      select_tokens(kRagged, torch_.read(torch_.keep_scores(x, predictor, 1)).data, 1, 0.5);
  expect([&] {
    const TorchTensor before = torch_.gather(x, route);
    const TorchTensor scores = torch_.gather(torch_.keep_scores(x, predictor, 1), route);
    const TorchTensor update =
        torch_.attention(torch_.project(before, x, layer_norm, qkv, false), 2, {});
    const TorchTensor after = torch_.add_gated(before, update, scores, alpha);
    return torch::cat(
        {torch_.put(x, after, route).rows, torch_.add_change(x, before, after, route, gamma).rows},
        1);
  });
}

TEST_F(TorchGradients, OfPooling) {
  const TorchTensor x = tokens(kRagged, 4);
  const std::vector<float> sizes = some_sizes(x.rows.size(0));
  expect(
      [&] { return torch_.concat_channels(torch_.token(x, 0), torch_.average(x, sizes, 0)).rows; });
}

TEST_F(TorchGradients, OfTheEmbedding) {
  const TorchTensor patches = tokens({0, 12, 24}, 4);
  const std::vector<torch::Tensor> prefix = {input("cls_token", {1, 1, 4}),
                                             input("reg_token", {1, 2, 4})};
  const torch::Tensor table = input("pos_embed", {1, 5, 4});
  const PositionMap map = {1, 2, 2, make_taps(2, 3, Interpolation::bicubic),
                           make_taps(2, 4, Interpolation::bicubic)};
  expect([&] { return torch_.embed(patches, torch_.positions(prefix, table, map)).rows; });
}

TEST_F(TorchGradients, OfConvolutionsAndBatchNorms) {
  const torch::TensorOptions options(torch::kDouble);
  for (const RowOrder order : {RowOrder::channels_first, RowOrder::channels_last}) {
    for (const bool is_training : {true, false}) {
      inputs_.clear();
      const TorchTensor pieces = tokens({0, 16, 32}, 3);
      TorchLinear convolution{input("weight", {5, 3, 2, 2}), input("bias", {5}), order, nullptr};
      convolution.norm = std::make_shared<TorchBatchNorm>(
          TorchBatchNorm{input("gamma", {5}), input("beta", {5}), torch::zeros({5}, options),
                         torch::ones({5}, options)});
      torch_.set_training(is_training);
      expect([&] { return torch_.linear(torch_.fold(pieces, 4), convolution).rows; });
    }
  }
}

TEST_F(TorchGradients, OfConvolutionsThatOverlap) {
  const torch::TensorOptions options(torch::kDouble);
  for (const int stride : {1, 2}) {
    for (const bool is_training : {true, false}) {
      inputs_.clear();
      const TorchTensor x = tokens({0, 24, 48}, 3);
      TorchLinear convolution{input("weight", {5, 3, 3, 3}), {}, RowOrder::channels_last, nullptr};
      convolution.norm = std::make_shared<TorchBatchNorm>(
          TorchBatchNorm{input("gamma", {5}), input("beta", {5}), torch::zeros({5}, options),
                         torch::ones({5}, options)});
      torch_.set_training(is_training);
      expect([&] {
        return torch_.convolve(x, convolution, {6, 4}, stride, Activation::gelu).rows;
      });
    }
  }
}

class TorchModelGradients : public testing::TestWithParam<std::string> {};

TEST_P(TorchModelGradients, ReachEveryParameterThroughMerging) {
  torch::manual_seed(2);
  const Array images = read_npy(golden(GetParam()) / "input.npy");
  TorchModel model = TorchModel::load(golden(GetParam()), torch::kDouble);
  model.torch.set_training(true);
  std::vector<GradientInput> inputs;
  for (const auto& [name, values] : model.torch.parameters()) {
    if (values.requires_grad()) inputs.push_back({name, values});
  }
  MergeOptions options{.schedule = {.r = 3}};
  expect_gradients([&] { return model.forward(images, options).logits.rows; }, inputs);
}

INSTANTIATE_TEST_SUITE_P(Cases, TorchModelGradients,
                         testing::Values("hmlp", "parallel", "dinov2-registers", "larger-image",
                                         "deit-distilled", "mae-avgpool"),
                         test_name);

}  // namespace
}  // namespace fovea
