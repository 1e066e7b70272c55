// What training changes goes into files and comes out of them on the CPU backend; the hMLP stem.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "fovea/backend/input.h"
#include "fovea/io/testing.h"
#include "fovea/model/save.h"
#include "fovea/model/tensors.h"
#include "tests/goldens.h"
#include "tests/train/torch_model.h"

namespace fovea {
namespace {

Array random_images(int64_t batch, int64_t side, int seed) {
  torch::manual_seed(seed);
  const torch::Tensor values = torch::randn({batch, 3, side, side});
  const float* data = values.const_data_ptr<float>();
  return {{batch, 3, side, side}, {data, data + values.numel()}};
}

// A step down the gradient of what the logits are far from.
double step(TorchModel& model, const Array& images, double rate) {
  const auto output =
      model.forward(images, {.schedule = {.r = model.architecture.routing ? 0 : 2}});
  const torch::Tensor loss = (output.logits.rows - 1).square().mean();
  loss.backward();
  const torch::NoGradGuard no_grad;
  for (const auto& [name, values] : model.torch.parameters()) {
    if (!values.requires_grad()) continue;
    torch::Tensor moved = values;
    moved.sub_(values.grad(), rate);
    moved.mutable_grad() = torch::Tensor();
  }
  return loss.item<double>();
}

class TrainedModel : public testing::TestWithParam<std::string> {};

TEST_P(TrainedModel, IsTheSameOnTheCpuBackendOnceSaved) {
  const Config config = read_config(golden(GetParam()));
  TorchModel model = TorchModel::load(golden(GetParam()));
  const Array input = read_npy(golden(GetParam()) / "input.npy");
  const Result before = model.run(input);
  model.torch.set_training(true);
  for (int i = 0; i < 3; ++i) step(model, input, 0.05);
  model.torch.set_training(false);

  const TemporaryFolder folder;
  save_model(folder.path(), model.architecture, config, model.torch.weights());
  const Model cpu = Model::load(folder.path(), {.threads = 1});
  for (const int r : {0, 3}) {
    if (r > 0 && model.architecture.routing) continue;  // which does not merge
    const MergeOptions options{.schedule = {.r = r}};
    const Result want = model.run(input, options);
    const Result got = cpu.run(input, {.merge = options});
    EXPECT_LE(relative_error(got.logits, want.logits), 2e-5);
    EXPECT_LE(relative_error(got.tokens, want.tokens), 2e-5);
    EXPECT_EQ(got.source.data, want.source.data);
    EXPECT_GT(relative_error(before.logits, want.logits), 1e-3) << "the test must train something";
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, TrainedModel, testing::ValuesIn(golden_names()), test_name);

TEST(TorchParameters, AreAllTensorsOfTheModelAndAllAreTrainedButStatistics) {
  for (const std::string& name : golden_names()) {
    const TorchModel model = TorchModel::load(golden(name));
    std::set<std::string> want;
    for_each_tensor(model.architecture,
                    [&](const std::string& tensor, const Shape&) { want.insert(tensor); });
    std::set<std::string> got;
    for (const auto& [tensor, values] : model.torch.parameters()) {
      EXPECT_TRUE(got.insert(tensor).second) << tensor;
      EXPECT_EQ(values.requires_grad(), tensor.find(".running_") == std::string::npos) << tensor;
    }
    EXPECT_EQ(got, want) << name;
  }
}

TEST(Training, LearnsFromInitialWeights) {
  Architecture a = named_architecture("vit_tiny_patch16_64");
  a.depth = 2;
  a.classes = 4;
  InitialWeights weights(3, 1e-4F);
  TorchModel model(a, weights);
  model.torch.set_training(true);
  const Array images = random_images(4, 64, 1);
  constexpr double kRate = 0.004;  // five times as much is no longer stable
  const double first = step(model, images, kRate);
  for (int i = 0; i < 8; ++i) step(model, images, kRate);
  EXPECT_LT(step(model, images, kRate), 0.5 * first);
}

class HmlpStem : public testing::Test {
 protected:
  // What the stem alone makes of images: [B * P, C].
  Array tokens(const Array& images) {
    const torch::NoGradGuard no_grad;
    return model_.torch.read(model_.vit.patch_embed.forward(model_.torch, input_of(images)));
  }

  TorchModel model_ = TorchModel::load(golden("hmlp"));
};

TEST_F(HmlpStem, NormalisesByTheBatchWhileTrainingAndRemembersIt) {
  const Array images = random_images(4, 64, 5);
  const Array remembered = tokens(images);
  model_.torch.set_training(true);
  const Array by_batch = tokens(images);
  EXPECT_GT(relative_error(by_batch, remembered), 1e-2);
  for (int i = 0; i < 200; ++i) tokens(images);
  model_.torch.set_training(false);
  // The remembered variance is of a sample (n - 1), that of a batch is not.
  EXPECT_LT(relative_error(tokens(images), by_batch), 2e-2);
}

TEST_F(HmlpStem, FoldedForInferenceGivesTheAnswersOfEvaluation) {
  const Array images = random_images(4, 64, 6);
  model_.torch.set_training(true);
  for (int i = 0; i < 5; ++i) tokens(images);
  model_.torch.set_training(false);
  const TemporaryFolder folder;
  save_model(folder.path(), model_.architecture, {}, model_.torch.weights());
  const Result want = model_.run(images);
  const Result got = Model::load(folder.path(), {.threads = 1}).run(images);
  EXPECT_LE(relative_error(got.tokens, want.tokens), 2e-5);
}

// "Three things", section 3: no patch sees another, so masked pre-training can leave patches out
// before the stem or after it.
TEST_F(HmlpStem, MaskingPatchesBeforeOrAfterItIsTheSame) {
  const Array images = random_images(1, 64, 7);
  const Array all = tokens(images);
  Array masked = images;
  const int patch = model_.architecture.patch.rows;
  const int grid = 64 / patch;
  const auto is_masked = [&](int64_t y, int64_t x) { return (y / patch + x / patch) % 2 == 1; };
  for (size_t i = 0; i < masked.data.size(); ++i) {
    if (is_masked(static_cast<int64_t>(i) / 64 % 64, static_cast<int64_t>(i) % 64)) {
      masked.data[i] = 0;
    }
  }
  const Array visible = tokens(masked);
  const int64_t width = model_.architecture.width;
  const int prefix = model_.architecture.prefix();
  int changed = 0;
  for (int p = 0; p < grid * grid; ++p) {
    const auto row = [&](const Array& x) {
      const auto begin = x.data.begin() + (prefix + p) * width;
      return std::vector<float>(begin, begin + width);
    };
    if (is_masked(p / grid * patch, p % grid * patch)) {
      changed += row(visible) != row(all) ? 1 : 0;
    } else {
      EXPECT_EQ(row(visible), row(all)) << p;
    }
  }
  EXPECT_EQ(changed, grid * grid / 2);
}

}  // namespace
}  // namespace fovea
