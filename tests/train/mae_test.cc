// Masked pre-training: what is masked, what is learned, and what is saved.
#include "fovea/train/mae.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fovea/io/testing.h"
#include "fovea/model/save.h"
#include "fovea/train/student.h"
#include "tests/goldens.h"
#include "tests/media.h"
#include "tests/train/gradients.h"
#include "tests/train/torch_model.h"

namespace fovea {
namespace {

using testing::HasSubstr;

constexpr MaeOptions kSmallDecoder = {.decoder_width = 32, .decoder_depth = 1, .decoder_heads = 2};

constexpr int64_t kSide = 32;
constexpr int64_t kPixels = kSide * kSide;

// Of 4 x 4 patches.
Architecture small_encoder() {
  Architecture a = named_architecture("vit_tiny_patch8_32");
  a.depth = 2;
  a.width = 48;
  a.block.heads = 3;
  a.block.mlp_width = 96;
  a.classes = 0;
  return a;
}

// Of 2 x 2 x 2 tubes.
Architecture small_video_encoder() {
  Recipe recipe;
  recipe.medium = "video";
  recipe.num_frames = 4;
  recipe.img_size = 16;
  recipe.patch_size = 8;
  recipe.width = 24;
  recipe.depth = 2;
  recipe.class_token = false;
  recipe.global_pool = "avg";
  return make_student(recipe, {}).architecture;
}

TorchModel small_model(torch::ScalarType dtype = torch::kFloat) {
  InitialWeights weights(3, 1);
  return {small_encoder(), weights, dtype};
}

// Waves from the left or from the top: which, a masked patch can only be told by others.
Array waves(int64_t batch, uint64_t seed) {
  Random random({seed});
  Array images({batch, 3, kSide, kSide});
  for (int64_t b = 0; b < batch; ++b) {
    const bool from_the_left = random.chance(0.5);
    for (int64_t i = 0; i < 3 * kPixels; ++i) {
      const int64_t place = from_the_left ? i % kSide : i / kSide % kSide;
      const double phase = static_cast<double>(place) * std::numbers::pi / 8;
      images.data[b * 3 * kPixels + i] = static_cast<float>(std::sin(phase));
    }
  }
  return images;
}

TEST(DrawVisible, TakesSoManyPatchesOfEachImageAtRandom) {
  Random random({1});
  const std::vector<int32_t> drawn = draw_visible(1000, 16, 4, random);
  ASSERT_EQ(drawn.size(), 4000U);
  std::vector<int> times(16);
  std::set<std::vector<int32_t>> choices;
  for (size_t image = 0; image < 1000; ++image) {
    const std::vector<int32_t> of_image(drawn.begin() + 4 * image, drawn.begin() + 4 * image + 4);
    EXPECT_EQ(std::set<int32_t>(of_image.begin(), of_image.end()).size(), 4U);
    EXPECT_TRUE(std::is_sorted(of_image.begin(), of_image.end()));
    for (const int32_t patch : of_image) ++times.at(patch);
    choices.insert(of_image);
  }
  for (const int count : times) EXPECT_NEAR(count, 250, 60);
  EXPECT_GT(choices.size(), 500U) << "of 1820";
}

TEST(DrawVisible, TakesTheSameCellsOfEveryFrame) {
  const Grid grid(3, 4, 5);
  Random random({2});
  const std::vector<int32_t> drawn = draw_visible_tubes(50, grid, 0.9, random);
  ASSERT_EQ(drawn.size(), 50U * 3 * 2);
  std::set<std::vector<int32_t>> choices;
  for (size_t video = 0; video < 50; ++video) {
    const auto begin = drawn.begin() + static_cast<ptrdiff_t>(6 * video);
    EXPECT_TRUE(std::is_sorted(begin, begin + 6));
    for (int i = 0; i < 2; ++i) {
      EXPECT_LT(begin[i], 20);
      EXPECT_EQ(begin[2 + i], begin[i] + 20);
      EXPECT_EQ(begin[4 + i], begin[i] + 40);
    }
    choices.insert({begin, begin + 2});
  }
  EXPECT_GT(choices.size(), 30U) << "of 190";
}

// Pixels of tubes that are masked change nothing but the targets.
TEST(Mae, TheEncoderDoesNotSeeMaskedTubes) {
  InitialWeights weights(3, 1);
  TorchModel model(small_video_encoder(), weights);
  MaeOptions options = kSmallDecoder;
  options.mask_ratio = 0.75;
  MaeDecoder decoder(model.architecture, options, 5);
  const torch::NoGradGuard no_grad;
  Array video = varied({1, 3, 4, 16, 16});
  const auto paint = [&] {
    Random random({9});
    return mae_paint(model.torch, model.vit, decoder, input_of(video), random);
  };
  const MaePainting before = paint();
  EXPECT_EQ(before.pixels.sizes(), (std::vector<int64_t>{8, 3 * 2 * 8 * 8}));
  ASSERT_EQ(before.masked.size(0), 6);
  const torch::Tensor is_masked = torch::zeros(8, torch::kBool).index_fill(0, before.masked, true);
  for (int64_t cell = 0; cell < 4; ++cell) {
    EXPECT_EQ(is_masked[cell].item<bool>(), is_masked[4 + cell].item<bool>());
  }
  for (int64_t i = 0; i < 3 * 4 * 256; ++i) {
    const int64_t patch = i / 512 % 2 * 4 + i / 128 % 2 * 2 + i / 8 % 2;
    if (is_masked[patch].item<bool>()) video.data[i] += static_cast<float>(i % 5);
  }
  const MaePainting after = paint();
  EXPECT_TRUE(torch::equal(before.pixels, after.pixels));
  EXPECT_FALSE(torch::equal(before.targets, after.targets));
}

TEST(Mae, GradientsOfVideosAreThoseOfTheLoss) {
  torch::manual_seed(1);
  InitialWeights weights(3, 1);
  TorchModel model(small_video_encoder(), weights, torch::kDouble);
  MaeOptions options = kSmallDecoder;
  options.mask_ratio = 0.5;
  MaeDecoder decoder(model.architecture, options, 5, torch::kCPU, torch::kDouble);
  const Array video = varied({2, 3, 4, 16, 16});
  std::vector<GradientInput> inputs;
  for (const auto& [name, values] : model.torch.parameters()) inputs.push_back({name, values});
  EXPECT_EQ(inputs.front().name, "patch_embed.proj.weight") << "of tubes";
  expect_gradients(
      [&] {
        Random random({9});
        return mae_loss(model.torch, model.vit, decoder, input_of(video), random);
      },
      inputs);
}

TEST(Mae, MasksThreeQuartersWhichTheEncoderDoesNotSee) {
  TorchModel model = small_model();
  MaeDecoder decoder(model.architecture, kSmallDecoder, 5);
  const torch::NoGradGuard no_grad;
  Array images = waves(2, 1);
  const auto paint = [&] {
    Random random({9});
    return mae_paint(model.torch, model.vit, decoder, input_of(images), random);
  };
  const MaePainting before = paint();
  ASSERT_EQ(before.masked.size(0), 2 * 12);
  EXPECT_EQ(before.pixels.sizes(), (std::vector<int64_t>{2 * 16, 3 * 8 * 8}));
  const torch::Tensor is_masked =
      torch::zeros(2 * 16, torch::kBool).index_fill(0, before.masked, true);
  // New pixels in patches that are masked change nothing but the targets.
  for (int64_t i = 0; i < 2 * 3 * kPixels; ++i) {
    const int64_t patch = i / (3 * kPixels) * 16 + i / kSide % kSide / 8 * 4 + i % kSide / 8;
    if (is_masked[patch].item<bool>()) images.data[i] += static_cast<float>(i % 5);
  }
  const MaePainting after = paint();
  EXPECT_TRUE(torch::equal(before.masked, after.masked));
  EXPECT_TRUE(torch::equal(before.pixels, after.pixels));
  EXPECT_NE(before.loss().item<float>(), after.loss().item<float>());
  images.data[0] += 1;  // the first patch is visible with this seed or it is not: one of both holds
  EXPECT_EQ(torch::equal(paint().pixels, after.pixels), is_masked[0].item<bool>());
}

TEST(Mae, TargetsAreEvenedOutPatchByPatch) {
  TorchModel model = small_model();
  MaeOptions options = kSmallDecoder;
  const torch::NoGradGuard no_grad;
  const Array images = waves(1, 1);
  const auto targets = [&] {
    MaeDecoder decoder(model.architecture, options, 5);
    Random random({9});
    return mae_paint(model.torch, model.vit, decoder, input_of(images), random).targets;
  };
  const torch::Tensor even = targets();
  EXPECT_LT(even.mean(1).abs().max().item<float>(), 1e-4);
  EXPECT_LT((even.std(1) - 1).abs().max().item<float>(), 1e-2);
  options.norm_pix = false;
  const torch::Tensor plain = targets();
  EXPECT_EQ(plain[0][9].item<float>(), images.data[kSide + 1])
      << "row 1, column 1 of the first patch";
}

TEST(Mae, GradientsAreThoseOfTheLoss) {
  torch::manual_seed(1);
  TorchModel model = small_model(torch::kDouble);
  MaeDecoder decoder(model.architecture, kSmallDecoder, 5, torch::kCPU, torch::kDouble);
  const Array images = waves(2, 1);
  std::vector<GradientInput> inputs;
  for (const auto& [name, values] : model.torch.parameters()) inputs.push_back({name, values});
  for (const auto& [name, values] : decoder.parameters()) inputs.push_back({name, values});
  expect_gradients(
      [&] {
        Random random({9});
        return mae_loss(model.torch, model.vit, decoder, input_of(images), random);
      },
      inputs);
}

// Adam's, over parameters of any origin.
class Descent {
 public:
  explicit Descent(std::vector<torch::Tensor> parameters)
      : parameters_(std::move(parameters)), mean_(parameters_.size()), square_(mean_) {}

  void step(const torch::Tensor& loss) {
    ++steps_;
    const auto gradients = torch::autograd::grad({loss}, parameters_);
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      const torch::Tensor direction = follow(mean_[i], gradients[i], 0.9);
      const torch::Tensor size = follow(square_[i], gradients[i].square(), 0.95);
      parameters_[i].sub_(direction / (size.sqrt() + 1e-8), 3e-3);
    }
  }

 private:
  torch::Tensor follow(torch::Tensor& average, const torch::Tensor& now, double rate) const {
    average = (average.defined() ? average * rate : torch::zeros_like(now)) + now * (1 - rate);
    return average / (1 - std::pow(rate, steps_));
  }

  std::vector<torch::Tensor> parameters_, mean_, square_;
  int steps_ = 0;
};

// Who does not look at the picture leaves half of the variance: the two kinds of waves have nothing
// in common.
TEST(Mae, LearnsToPaintWhatItSeesElsewhere) {
  TorchModel model = small_model();
  MaeDecoder decoder(model.architecture, kSmallDecoder, 5);
  std::vector<torch::Tensor> parameters;
  for (const auto& parameter : model.torch.parameters()) parameters.push_back(parameter.values);
  for (const auto& parameter : decoder.parameters()) parameters.push_back(parameter.values);
  Descent descent(parameters);
  const auto loss_of = [&](uint64_t step) {
    Random random({7, step});
    const Array images = waves(16, 100 + step);
    return mae_loss(model.torch, model.vit, decoder, input_of(images), random);
  };
  EXPECT_NEAR(loss_of(0).item<double>(), 1, 0.2);
  for (uint64_t step = 0; step < 100; ++step) descent.step(loss_of(step));
  EXPECT_LT(loss_of(1000).item<double>(), 0.25);
}

TEST(Mae, SavesTheEncoderAlone) {
  TorchModel model = small_model();
  const MaeDecoder decoder(model.architecture, kSmallDecoder, 5);
  std::set<std::string> names;
  for (const auto& [name, values] : model.torch.parameters()) names.insert(name);
  for (const auto& [name, values] : decoder.parameters()) {
    EXPECT_TRUE(name.starts_with("decoder_")) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  const TemporaryFolder folder;
  save_model(folder.path(), model.architecture, {}, model.torch.weights());
  const Array images = waves(2, 1);
  const Result want = model.run(images);
  const Result got = Model::load(folder.path(), {.threads = 1}).run(images);
  EXPECT_LE(relative_error(got.features, want.features), 2e-5);
}

TEST(Mae, RefusesWhatDoesNotGoTogether) {
  TorchModel model = small_model();
  MaeOptions options = kSmallDecoder;
  options.decoder_heads = 3;
  EXPECT_THAT(error_of([&] { MaeDecoder(model.architecture, options, 5); }),
              HasSubstr("a decoder of width 32 with 3 heads"));
  options = kSmallDecoder;
  options.mask_ratio = 0.99;
  MaeDecoder decoder(model.architecture, options, 5);
  const Array images = waves(1, 1);
  Random random({9});
  EXPECT_THAT(
      error_of([&] { mae_loss(model.torch, model.vit, decoder, input_of(images), random); }),
      HasSubstr("a mask of 0.99 of 16 patches"));
}

}  // namespace
}  // namespace fovea
