// big.LITTLE ViTs through the whole library: what holds of every route, and of one that all take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/io/npy.h"
#include "fovea/tokens/routing.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

const std::vector<std::string> kRouted = {"blvit-every-layer", "blvit-every-second"};

// One image of a batch.
Array image_of(const Array& batch, int64_t index) {
  Shape shape = batch.shape;
  shape[0] = 1;
  const int64_t size = elements(shape);
  return {shape, {batch.data.begin() + index * size, batch.data.begin() + (index + 1) * size}};
}

// `copies` times the images of a golden, each a bit different.
Array input_of(const std::string& name, int copies) {
  const Array input = read_npy(kGoldens / name / "input.npy");
  Array images = input;
  for (int copy = 1; copy < copies; ++copy) {
    for (const float x : input.data) {
      images.data.push_back(x * (1 - 0.2F * static_cast<float>(copy)));
    }
  }
  images.shape[0] *= copies;
  return images;
}

// The golden `vit` as a big.LITTLE model whose layers after the first are routed and have no LITTLE
// blocks.
void write_routed_vit(const std::filesystem::path& to) {
  const Array weight({2, 48}, std::vector<float>(96, 0.1F));
  const Array bias({2});
  const Array alpha({1});
  write_changed_model(to, [&](std::vector<TensorToWrite>& tensors) {
    tensors.push_back(to_write("predictors.0.weight", weight));
    tensors.push_back(to_write("predictors.0.bias", bias));
    for (const char* layer : {"blocks.1.", "blocks.2."}) {
      tensors.push_back(to_write(layer + std::string("alpha_attn"), alpha));
      tensors.push_back(to_write(layer + std::string("alpha_mlp"), alpha));
    }
  });
  write_file(to / "config.json", R"({"model_args": {"num_heads": 4, "predict_after": [1]},
                                     "pretrained_cfg": {"input_size": [3, 48, 48]}})");
}

TEST(BigLittle, ARouteThatAllTakeIsThePlainModel) {
  const TemporaryFolder folder;
  write_routed_vit(folder / "model");
  const Array images = input_of("vit", 1);
  const Result plain = Model::load(kGoldens / "vit").run(images);
  const Result routed = Model::load(folder / "model").run(images, {.keep_ratio = 1});
  const IntArray& route = routed.routes.at(1);
  EXPECT_EQ(route.shape, (Shape{images.shape[0], 37}));
  for (size_t i = 0; i < route.data.size(); ++i) {
    EXPECT_EQ(route.data[i], static_cast<int32_t>(i % 37));
  }
  EXPECT_THAT(routed.tokens.data, testing::Pointwise(testing::FloatNear(1e-4F), plain.tokens.data));
  EXPECT_THAT(routed.logits.data, testing::Pointwise(testing::FloatNear(1e-4F), plain.logits.data));
}

// Without LITTLE blocks whoever is not selected keeps what the plain layers made of it.
TEST(BigLittle, TokensOffTheRouteStayAsTheyAre) {
  const TemporaryFolder folder;
  write_routed_vit(folder / "model");
  const Array images = input_of("vit", 1);
  const Model model = Model::load(folder / "model");
  const Result some = model.run(images, {.keep_ratio = 0.5});
  const Result fewer = model.run(images, {.keep_ratio = 0.1});
  const int64_t tokens = some.tokens.shape[1];
  const int64_t channels = some.tokens.shape[2];
  int64_t same = 0;
  for (int64_t row = 0; row < images.shape[0] * tokens; ++row) {
    const float* a = some.tokens.data.data() + row * channels;
    same += std::equal(a, a + channels, fewer.tokens.data.data() + row * channels) ? 1 : 0;
  }
  EXPECT_EQ(same, images.shape[0] * (36 - selected_patches(0.5, 36)));
}

TEST(BigLittle, RoutesHoldTheirPromises) {
  for (const std::string& name : kRouted) {
    const Model model = Model::load(kGoldens / name);
    const int prefix = model.architecture().prefix();
    const Array images = input_of(name, 2);
    for (const double keep_ratio : {0.01, 0.25, 0.6, 1.0}) {
      const Result result = model.run(images, {.keep_ratio = keep_ratio});
      const int64_t tokens = result.tokens.shape[1];
      ASSERT_EQ(result.routes.size(), 2U);
      for (const auto& [layer, route] : result.routes) {
        const int64_t selected =
            prefix + selected_patches(keep_ratio, static_cast<int>(tokens) - prefix);
        ASSERT_EQ(route.shape, (Shape{images.shape[0], selected}));
        for (int64_t image = 0; image < images.shape[0]; ++image) {
          const auto first = route.data.begin() + image * selected;
          EXPECT_EQ(*first, 0) << "the class token";
          EXPECT_TRUE(std::is_sorted(first, first + selected));
          EXPECT_EQ(std::adjacent_find(first, first + selected), first + selected);
          EXPECT_LT(*(first + selected - 1), tokens);
        }
      }
    }
  }
}

TEST(BigLittle, BatchAndThreadsDontChangeABit) {
  for (const std::string& name : kRouted) {
    const Array images = input_of(name, 4);
    for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
      const Model single = Model::load(kGoldens / name, {.threads = 1, .dtype = dtype});
      for (const int threads : {1, 2, 3}) {
        const Model model = Model::load(kGoldens / name, {.threads = threads, .dtype = dtype});
        const Result all = model.run(images);
        for (int64_t i = 0; i < images.shape[0]; ++i) {
          const Result alone = single.run(image_of(images, i));
          EXPECT_EQ(image_of(all.tokens, i).data, alone.tokens.data) << name << ' ' << threads;
          for (const auto& [layer, route] : alone.routes) {
            EXPECT_TRUE(std::equal(route.data.begin(), route.data.end(),
                                   all.routes.at(layer).data.begin() + i * route.shape[1]));
          }
        }
      }
    }
  }
}

TEST(BigLittle, Bf16StaysClose) {
  for (const std::string& name : kRouted) {
    const Array images = input_of(name, 1);
    const Result exact = Model::load(kGoldens / name).run(images);
    const Result rounded = Model::load(kGoldens / name, {.dtype = Dtype::bf16}).run(images);
    const auto dot = [](const Array& a, const Array& b) {
      return std::inner_product(a.data.begin(), a.data.end(), b.data.begin(), 0.0);
    };
    const double cosine =
        dot(exact.features, rounded.features) /
        std::sqrt(dot(exact.features, exact.features) * dot(rounded.features, rounded.features));
    EXPECT_GT(cosine, 0.999) << name;
  }
}

TEST(BigLittle, RunsOnAnotherGridAndOnRandomWeights) {
  const Model model = Model::random("blvit_base_tiny_patch32_64", 1, {.threads = 2});
  const Result result = model.run(Array({2, 3, 96, 64}), {.keep_ratio = 0.5});
  EXPECT_EQ(result.logits.shape, (Shape{2, 1000}));
  EXPECT_EQ(result.routes.at(7).shape, (Shape{2, 4}));
  EXPECT_EQ(result.layer_tokens.data, std::vector<int32_t>(24, 7));
}

TEST(BigLittle, TheDoorRefusesWhatDoesNotGoTogether) {
  const Model routed = Model::load(kGoldens / "blvit-every-layer");
  const Array images = input_of("blvit-every-layer", 1);
  EXPECT_THROW(routed.run(images, {.merge = {.schedule = {.r = 1}}}), Error);
  EXPECT_THROW(routed.run(images, {.keep_ratio = 0}), Error);
  EXPECT_THROW(Model::load(kGoldens / "vit").run(input_of("vit", 1), {.keep_ratio = 0.5}), Error);
}

TEST(CliBigLittle, KeepRatioReachesTheRun) {
  const TemporaryFolder folder;
  const std::string model = golden_path("blvit-every-layer");
  const std::string output = folder / "out.safetensors";
  expect_done(run_fovea({"forward", model, "--input", model + "/input.npy", "--output", output,
                         "--keep-ratio", "0.5"}));
  EXPECT_EQ(SafeTensors::open(output).tensors().at("routes.3").shape, (Shape{2, 19}));
}

TEST(CliBigLittle, InspectCountsWhatRuns) {
  const Finished json = run_fovea({"inspect", "blvit_base_tiny_patch16_224", "--json"});
  expect_done(json);
  const nlohmann::json line = nlohmann::json::parse(json.out);
  EXPECT_EQ(line["gflops"], line["gflops_dense"]);
  EXPECT_NEAR(line["gflops"].get<double>(), 20.5, 0.3);
  EXPECT_NEAR(line["routing"]["gflops_plain"].get<double>(), 35.1, 0.1);
  EXPECT_EQ(line["routing"]["selected_tokens"], 50);
  const Finished text =
      run_fovea({"inspect", golden_path("blvit-every-second"), "--keep-ratio", "1"});
  expect_done(text);
  EXPECT_THAT(text.out, testing::AllOf(testing::HasSubstr("36 tokens on the big path"),
                                       testing::HasSubstr("in every 2 layers after the first 2")));
  EXPECT_FALSE(nlohmann::json::parse(run_fovea({"inspect", golden_path("vit"), "--json"}).out)
                   .contains("routing"));
}

TEST(CliBigLittle, BenchRunsItAsItIs) {
  const Finished bench = run_fovea(
      {"bench", golden_path("blvit-every-layer"), "--batch", "2", "--reps", "1", "--json"});
  expect_done(bench);
  const std::vector<nlohmann::json> rows = json_lines_of(bench.out);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["r"], 0);
  const nlohmann::json inspected =
      nlohmann::json::parse(run_fovea({"inspect", golden_path("blvit-every-layer"), "--json"}).out);
  EXPECT_EQ(rows[0]["gflops_per_image"], inspected["gflops"]);
}

TEST(CliBigLittle, WhatDoesNotFitIsNamed) {
  const std::string routed = golden_path("blvit-every-layer");
  const std::string plain = golden_path("vit");
  for (const char* wrong : {"0", "1.5", "-1", "x", "nan"}) {
    expect_refused(run_fovea({"inspect", routed, "--keep-ratio", wrong}),
                   "--keep-ratio " + std::string(wrong) + ": expected a number");
  }
  expect_refused(run_fovea({"inspect", plain, "--keep-ratio", "0.5"}),
                 "keep ratio 0.5: the model is no big.LITTLE ViT");
  expect_refused(run_fovea({"inspect", routed, "--r", "2"}),
                 "r = 2: a big.LITTLE ViT routes its tokens");
  expect_refused(run_fovea({"bench", routed, "--r", "0,2", "--reps", "1"}), "r = 2: a big.LITTLE");
  expect_refused(run_fovea({"classify", plain, picture("gray.jpg"), "--keep-ratio", "0.5"}),
                 "keep ratio 0.5");
}

}  // namespace
}  // namespace fovea
