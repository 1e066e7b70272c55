// big.LITTLE ViTs through the whole library: what holds of every route, and of one that all take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/backend/cpu/instruction_set.h"
#include "fovea/backend/input.h"
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

// Merging in every place, of a run that otherwise is as the model wants it.
std::vector<MergeOptions> merges(int r) {
  std::vector<MergeOptions> merges;
  for (const Placement placement :
       {Placement::between, Placement::before_attention, Placement::after_mlp}) {
    merges.push_back({.schedule = {.r = r}, .placement = placement});
  }
  return merges;
}

TEST(BigLittle, MergesAsThePlainModelDoesWhereAllTakeTheRoute) {
  const TemporaryFolder folder;
  write_routed_vit(folder / "model");
  const Array images = input_of("vit", 2);
  for (const MergeOptions& merge : merges(4)) {
    const Result plain = Model::load(kGoldens / "vit").run(images, {.merge = merge});
    const Result routed =
        Model::load(folder / "model").run(images, {.merge = merge, .keep_ratio = 1});
    EXPECT_EQ(routed.source.data, plain.source.data);
    EXPECT_EQ(routed.sizes.data, plain.sizes.data);
    EXPECT_THAT(routed.tokens.data,
                testing::Pointwise(testing::FloatNear(1e-4F), plain.tokens.data));
  }
}

// Of two routed layers without LITTLE blocks the first merges: a token of several patches is
// changed in the second just where one of these was selected, and tokens of one patch off the route
// stay as they are.
TEST(BigLittle, MergedTokensTakeTheRouteOfTheirParts) {
  const TemporaryFolder folder;
  write_routed_vit(folder / "model");
  const Model model = Model::load(folder / "model");
  const Array images = input_of("vit", 2);
  const int64_t width = model.architecture().width;
  const Result off = model.run(images, {.keep_ratio = 0.01});
  int64_t stayed = 0;
  for (const Placement placement : {Placement::between, Placement::after_mlp}) {
    const MergeOptions merge{.schedule = {.per_layer = {0, 9, 0}}, .placement = placement};
    const Result got = model.run(images, {.merge = merge, .keep_ratio = 0.25});
    const IntArray& route = got.routes.at(1);
    for (int64_t image = 0; image < images.shape[0]; ++image) {
      const auto first = route.data.begin() + image * route.shape[1];
      for (int64_t position = 1; position < got.source.shape[1]; ++position) {
        const int64_t token = got.source.data[image * got.source.shape[1] + position];
        if (got.sizes.data[image * got.sizes.shape[1] + token] > 1) continue;
        const float* row = got.tokens.data.data() + (image * got.tokens.shape[1] + token) * width;
        const float* plain =
            off.tokens.data.data() + (image * off.tokens.shape[1] + position) * width;
        const bool selected = std::binary_search(first, first + route.shape[1], position);
        const IntArray& alone = off.routes.at(1);
        const bool was_selected = alone.data[image * 2 + 1] == position;
        if (was_selected) continue;
        EXPECT_EQ(std::equal(row, row + width, plain), !selected) << position;
        stayed += selected ? 0 : 1;
      }
    }
  }
  EXPECT_GT(stayed, 20);
}

TEST(BigLittle, MergingIsTheSameOnAllLevels) {
  for (const std::string& name : kRouted) {
    const Array images = input_of(name, 1);
    for (const MergeOptions& merge : merges(3)) {
      const Result got = Model::load(kGoldens / name).run(images, {.merge = merge});
      for (const InstructionSet level : available_levels()) {
        setenv("FOVEA_SIMD", to_string(level).c_str(), 1);
        const Result other = Model::load(kGoldens / name).run(images, {.merge = merge});
        EXPECT_EQ(got.source.data, other.source.data);
        EXPECT_THAT(got.tokens.data,
                    testing::Pointwise(testing::FloatNear(1e-4F), other.tokens.data));
      }
      unsetenv("FOVEA_SIMD");
    }
  }
}

TEST(BigLittle, CostIsThatOfTheTokensThatRun) {
  for (const std::string& name : kRouted) {
    const Model model = Model::load(kGoldens / name);
    Architecture a = model.architecture();
    const Array images = input_of(name, 1);
    const auto height = static_cast<int>(images.shape[2]);
    const auto width = static_cast<int>(images.shape[3]);
    a.routing->keep_ratio = 0.5;
    double last = cost(a, {height, width}).gflops;
    for (const int r : {1, 3, 6}) {
      const MergeOptions merge{.schedule = {.r = r}};
      const Result got = model.run(images, {.merge = merge, .keep_ratio = 0.5});
      const Cost counted = cost(a, {height, width}, merge);
      for (int64_t i = 0; i < images.shape[0]; ++i) {
        EXPECT_TRUE(std::equal(counted.tokens_per_layer.begin(), counted.tokens_per_layer.end(),
                               got.layer_tokens.data.begin() + i * a.depth));
      }
      for (const auto& [layer, route] : got.routes) {
        EXPECT_EQ(route.shape[1], selected_tokens(a, 0.5, counted.tokens_per_layer[layer - 1]));
      }
      EXPECT_LT(counted.gflops, last);
      last = counted.gflops;
    }
  }
}

TEST(BigLittle, BatchAndThreadsDontChangeABit) {
  for (const std::string& name : kRouted) {
    const Array images = input_of(name, 4);
    for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
      const Model single = Model::load(kGoldens / name, {.threads = 1, .dtype = dtype});
      for (const int threads : {1, 2, 3}) {
        const Model model = Model::load(
            kGoldens / name, {.threads = threads, .oversubscribe = true, .dtype = dtype});
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
  EXPECT_THROW(routed.run(images, {.merge = {.threshold = 0.9F}}), Error);
  EXPECT_THROW(routed.run(images, {.merge = {.metric = Metric::q}}), Error);
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

TEST(CliBigLittle, InspectCountsMergingToo) {
  const std::string model = golden_path("blvit-every-layer");
  const Finished json = run_fovea({"inspect", model, "--r", "5", "--json"});
  expect_done(json);
  const nlohmann::json line = nlohmann::json::parse(json.out);
  EXPECT_LT(line["gflops"], line["gflops_dense"]);
  EXPECT_EQ(line["tokens_per_layer"], nlohmann::json({32, 27, 22, 17, 12}));
  const Finished text = run_fovea({"inspect", model, "--r", "5"});
  EXPECT_THAT(text.out, testing::AllOf(testing::HasSubstr("routed"),
                                       testing::ContainsRegex("merged +at most .* with r = 5")));
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
  expect_refused(run_fovea({"inspect", routed, "--r", "2", "--threshold", "0.9"}),
                 "threshold 0.9: all images of a batch that a big.LITTLE ViT routes");
  expect_refused(run_fovea({"bench", routed, "--threshold", "0.9", "--reps", "1"}),
                 "threshold 0.9: all images");
  expect_refused(run_fovea({"inspect", routed, "--r", "2", "--metric", "q"}),
                 "metric q: only the selected tokens");
  expect_refused(run_fovea({"classify", plain, picture("gray.jpg"), "--keep-ratio", "0.5"}),
                 "keep ratio 0.5");
}

}  // namespace
}  // namespace fovea
