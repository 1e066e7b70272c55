// What families beyond the plain ViT ask of the torch backend: what the CPU backend gives, and
// gradients.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/backend/torch/torch.h"
#include "tests/compare.h"
#include "tests/train/gradients.h"

namespace fovea {
namespace {

constexpr int kHeads = 2;
constexpr int64_t kWidth = 8;
const Sequences kFirst = {0, 7, 10};

Array some_array(const Shape& shape, int seed) {
  Array array(shape);
  for (size_t i = 0; i < array.data.size(); ++i) {
    array.data[i] = std::sin(static_cast<float>(i) * 1.7F + static_cast<float>(seed));
  }
  return array;
}

TokenState some_state() {
  TokenState state;
  state.prefix = 1;
  state.grid = {2, 3};
  for (int i = 0; i < 10; ++i) {
    const int patch = i < 7 ? i - 1 : 2 * (i - 7);
    state.places.push_back({static_cast<float>(patch / 3), static_cast<float>(patch % 3)});
    state.log_sizes.push_back(0.3F * static_cast<float>(i % 4));
  }
  return state;
}

std::vector<Rotation> rotations() {
  Rotation mixed{.kind = RotationKind::mixed};
  mixed.frequencies = some_array({2, 1, kHeads, kWidth / 2}, 9);
  return {{.kind = RotationKind::cat}, {.kind = RotationKind::dinov3}, mixed};
}

// Every operation on backend B, one result after the other.
template <class B>
std::vector<Array> results(B& b) {
  std::vector<Array> all;
  const auto rows = [&](int64_t channels, int seed) {
    return b.gather(b.write(some_array({10, channels}, seed)),
                    Route{kFirst, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}});
  };
  const auto x = rows(12, 1);
  const auto weight = Weight{some_array({10, 12}, 2), "w"};
  const auto bias = Weight{some_array({10}, 3), "b"};
  const auto linear = b.make_linear(weight, {});
  const auto gated = b.make_gated_linear(weight, bias);
  const auto rms = b.make_rms_norm({some_array({12}, 4), "g"}, 1e-5);
  const auto norm = b.make_norm({some_array({12}, 4), "g"}, {}, 1e-5);
  for (const Activation activation : {Activation::none, Activation::gelu, Activation::gelu_tanh,
                                      Activation::quick_gelu, Activation::silu, Activation::relu}) {
    all.push_back(b.read(b.linear(x, linear, activation)));
    all.push_back(b.read(b.norm_linear(x, rms, gated, activation)));
  }
  all.push_back(b.read(b.layer_norm(x, norm)));
  const auto wide = b.make_linear({some_array({12, 10}, 10), "p"}, {});
  all.push_back(b.read(b.add_normed_linear(rows(12, 1), b.linear(x, linear), wide, norm)));
  all.push_back(b.read(b.norm_linear(x, {}, linear, Activation::gelu, Precision::single)));
  const auto of_head = b.make_rms_norm({some_array({4}, 5), "h"}, 1e-5);
  all.push_back(b.read(
      b.head_norm(b.linear(x, b.make_linear({some_array({12, 12}, 6), "m"}, {})), of_head, 3)));
  all.push_back(b.read(b.repeat(b.make_rows({some_array({1, 2, 5}, 7), "r"}), 3)));
  const auto convolution = b.make_convolution({some_array({4, 12, 3, 3}, 8), "c"}, {}, std::nullopt,
                                              RowOrder::channels_last);
  const auto image = b.write(some_array({6, 12}, 1));
  all.push_back(b.read(b.convolve(image, convolution, {2, 3}, 1, Activation::silu)));

  const auto pair = b.gather(x, Route{{0, 5, 10}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}});
  all.push_back(b.read(b.add(pair, b.write(some_array({5, 12}, 11)))));
  all.push_back(b.read(b.add(x, b.write(some_array({1, 12}, 11)))));
  all.push_back(b.read(b.norm_activation(x, norm, Activation::gelu)));
  all.push_back(b.read(b.product(pair, b.gather(x, Route{{0, 2, 4}, {0, 4, 8, 9}}))));
  const auto finer =
      b.make_unfolding({some_array({12, 3, 2, 2}, 12), "u"}, {some_array({3}, 13), "v"});
  const auto fine = b.unfold(b.linear(pair, finer), 4);
  all.push_back(b.read(fine));
  all.push_back(b.read(b.product(fine, b.unfold(pair, 4))));
  const std::vector<typename B::Rows> tables = {b.make_rows({some_array({1, 2, 5}, 7), "r"}),
                                                b.make_rows({some_array({3, 5}, 8), "s"})};
  all.push_back(b.read(b.join(tables)));

  const auto qkv = b.make_qkv({some_array({3 * kHeads * kWidth, 12}, 8), "q"}, {}, kHeads);
  const TokenState state = some_state();
  const auto relative = b.make_relative({some_array({3 * 5 + 3, kHeads}, 4), "t"}, state.grid);
  const Route some{{0, 2, 4}, {0, 4, 8, 9}};
  for (const Rotation& rotation : rotations()) {
    const Turns turns =
        turns_of(rotation, 0, kFirst, state.places, state.prefix, state.grid, kWidth);
    const typename B::Projection seen = b.project(x, norm, qkv, false);
    typename B::Sight sight{.turns = &turns, .relative = &relative, .asking = {}};
    const typename B::Projection plain = b.project(x, {}, qkv, false);
    const typename B::Projection branches[] = {seen, plain};
    const std::span<const typename B::Projection> one(&seen, 1);
    all.push_back(b.read(b.attention(seen, kHeads, state, sight)));
    all.push_back(b.read(b.rotate(seen.k, kHeads, turns)));
    all.push_back(b.class_attention_by_head(one, kHeads, state, sight));
    all.push_back(b.class_attention_by_head(branches, kHeads, state, sight));
    all.push_back(Array({10, 1}, b.class_attention(one, kHeads, state, sight)));
    sight.asking = some.rows;
    all.push_back(b.read(
        b.attention(b.project(b.gather(x, some), x, norm, qkv, false), kHeads, state, sight)));
  }
  return all;
}

TEST(TorchOperations, AreThoseOfTheCpuBackend) {
  const torch::NoGradGuard no_grad;
  Torch torch;
  Cpu cpu(available_levels().back(), Dtype::f32, std::make_shared<Threads>(1));
  const std::vector<Array> got = results(torch);
  const std::vector<Array> want = results(cpu);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(elements(got[i].shape), elements(want[i].shape)) << i;
    EXPECT_LE(relative_error(got[i], want[i]), 1e-5) << i;
  }
}

TEST(TorchOperations, HaveGradients) {
  torch::manual_seed(1);
  Torch torch(torch::kCPU, torch::kDouble);
  const torch::TensorOptions options(torch::kDouble);
  std::vector<GradientInput> inputs;
  const auto input = [&](const char* name, std::vector<int64_t> shape) {
    inputs.push_back({name, torch::randn(shape, options).set_requires_grad(true)});
    return inputs.back().values;
  };
  const TorchTensor x{input("x", {10, 6}), std::make_shared<Sequences>(kFirst)};
  TorchLinear gated{.weight = input("gated", {8, 6}), .bias = input("bias", {8})};
  gated.is_gated = true;
  TorchLinear qkv{.weight = input("qkv", {3 * kHeads * kWidth, 6}), .bias = {}};
  const TorchNorm norm{input("gamma", {6}), {}, 1e-5};
  const TorchNorm of_head{input("head", {kWidth}), {}, 1e-5};
  const TokenState state = some_state();
  const TorchRelative relative{state.grid, input("table", {3 * 5 + 3, kHeads})};
  const Turns turns = turns_of({}, 0, kFirst, state.places, 1, state.grid, kWidth);
  expect_gradients(
      [&] {
        TorchProjection seen = torch.project(x, norm, qkv, false);
        seen.k = torch.head_norm(seen.k, of_head, kHeads);
        const TorchTensor attended = torch.attention(
            seen, kHeads, state, {.turns = &turns, .relative = &relative, .asking = {}});
        return torch::cat({attended.rows, torch.norm_linear(x, norm, gated, Activation::silu).rows},
                          1);
      },
      inputs);
}

// What turns them comes of the frequencies in two ways: on the host, and where they are trained.
TEST(TorchOperations, MixedRotationsHaveGradients) {
  torch::manual_seed(1);
  Torch torch(torch::kCPU, torch::kDouble);
  const torch::TensorOptions options(torch::kDouble);
  const Rotation mixed = rotations().back();
  ASSERT_EQ(mixed.kind, RotationKind::mixed);
  const TokenState state = some_state();
  std::vector<GradientInput> inputs = {
      {"frequencies", torch::rand(mixed.frequencies.shape, options).set_requires_grad(true)},
      {"q", torch::randn({10, kHeads * kWidth}, options).set_requires_grad(true)},
      {"k", torch::randn({10, kHeads * kWidth}, options).set_requires_grad(true)}};
  const auto first = std::make_shared<Sequences>(kFirst);
  Rotation rotation = mixed;
  rotation.frequencies = torch.read_rows(inputs[0].values);
  const Turns turns = turns_of(rotation, 0, kFirst, state.places, state.prefix, state.grid, kWidth);
  const TorchTensor v{torch::randn({10, kHeads * kWidth}, options), first};
  const auto attention = [&](const torch::Tensor* frequencies) {
    return torch
        .attention({{inputs[1].values, first}, {inputs[2].values, first}, v}, kHeads, state,
                   {.turns = &turns, .frequencies = frequencies, .layer = 0})
        .rows;
  };
  expect_gradients([&] { return attention(&inputs[0].values); }, inputs);
  EXPECT_LT((attention(&inputs[0].values) - attention(nullptr)).abs().max().item<double>(), 1e-5);
}

}  // namespace
}  // namespace fovea
