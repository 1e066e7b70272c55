#include "fovea/train/adamw.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace fovea {
namespace {

std::vector<TorchParameter> parameters() {
  torch::manual_seed(1);
  std::vector<TorchParameter> all;
  for (const char* name : {"pos_embed", "blocks.0.ffns.0.mlp.fc1.weight",
                           "blocks.1.ffns.0.mlp.fc1.bias", "head.weight"}) {
    const bool is_bias = std::string(name).ends_with("bias");
    torch::Tensor values = is_bias ? torch::randn({5}) : torch::randn({4, 5});
    values.set_requires_grad(true);
    all.push_back({name, values});
  }
  return all;
}

void set_gradients(const std::vector<TorchParameter>& all, int step) {
  for (size_t i = 0; i < all.size(); ++i) {
    torch::Tensor values = all[i].values;
    values.mutable_grad() = torch::sin(values.detach() * (3.0 + static_cast<double>(i)) + step);
  }
}

TEST(AdamW, StepsAsLibtorchsDoes) {
  const std::vector<TorchParameter> own = parameters();
  const std::vector<TorchParameter> theirs = parameters();
  Recipe recipe;
  recipe.weight_decay = 0.1;
  recipe.layer_decay = 0.5;
  AdamW optimizer(own, recipe, 2);
  // Place in the model -> learning rate: embedding 0, blocks 1 and 2, what follows 3.
  const double scales[] = {0.125, 0.25, 0.5, 1};
  const double decays[] = {0, 0.1, 0, 0.1};
  for (int step = 0; step < 5; ++step) set_gradients(own, step), optimizer.step(0.01);
  for (size_t i = 0; i < theirs.size(); ++i) {
    torch::optim::AdamW reference(
        {theirs[i].values}, torch::optim::AdamWOptions(0.01 * scales[i]).weight_decay(decays[i]));
    for (int step = 0; step < 5; ++step) {
      torch::Tensor values = theirs[i].values;
      values.mutable_grad() = torch::sin(values.detach() * (3.0 + static_cast<double>(i)) + step);
      reference.step();
    }
    EXPECT_TRUE(torch::allclose(own[i].values, theirs[i].values, 1e-5, 1e-6)) << own[i].name;
  }
}

TEST(AdamW, LeavesAloneWhatNeedsNoGradient) {
  std::vector<TorchParameter> all = parameters();
  all[1].values.set_requires_grad(false);
  const torch::Tensor before = all[1].values.clone();
  AdamW optimizer(all, Recipe{}, 2);
  EXPECT_EQ(optimizer.trained().size(), 3);
  set_gradients(all, 0);
  optimizer.step(0.1);
  EXPECT_TRUE(torch::equal(before, all[1].values));
}

TEST(AdamW, ClipsTheNormOfAllGradients) {
  const std::vector<TorchParameter> all = parameters();
  AdamW optimizer(all, Recipe{}, 2);
  set_gradients(all, 0);
  optimizer.clip(0.5);
  double squares = 0;
  for (const auto& [name, values] : all) squares += values.grad().square().sum().item<double>();
  EXPECT_NEAR(std::sqrt(squares), 0.5, 1e-4);
}

TEST(LearningRate, RisesThenFalls) {
  Recipe recipe;
  recipe.lr = 1;
  recipe.min_lr = 0.1;
  for (int step = 1; step < 10; ++step) {
    EXPECT_GT(learning_rate(recipe, step, 10, 100), learning_rate(recipe, step - 1, 10, 100));
  }
  EXPECT_EQ(learning_rate(recipe, 10, 10, 100), 1);
  EXPECT_NEAR(learning_rate(recipe, 55, 10, 100), 0.55, 1e-12);
  EXPECT_NEAR(learning_rate(recipe, 100, 10, 100), 0.1, 1e-12);
}

}  // namespace
}  // namespace fovea
