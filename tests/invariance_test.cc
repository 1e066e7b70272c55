// Promises about bits: the same image gives the same ones whatever the batch and the threads; r = 0
// is the plain model.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/io/npy.h"
#include "fovea/io/testing.h"
#include "fovea/model/cost.h"
#include "fovea/model/course.h"
#include "fovea/model/testing.h"
#include "fovea/tokens/sources.h"
#include "tests/paths.h"

namespace fovea {
namespace {

const std::filesystem::path kModel = test_data() / "goldens" / "vit-odd";

// `count` different images made from the golden's input.
Array images(int64_t count) {
  const Array input = read_npy(kModel / "input.npy");
  Array batch({count, input.shape[1], input.shape[2], input.shape[3]});
  for (size_t i = 0; i < batch.data.size(); ++i) {
    batch.data[i] =
        input.data[i % input.data.size()] + 0.01F * static_cast<float>(i / input.data.size());
  }
  return batch;
}

Array one_of(const Array& batch, int64_t index) {
  const int64_t size = elements(batch.shape) / batch.shape[0];
  Shape shape = batch.shape;
  shape[0] = 1;
  return {shape, {batch.data.begin() + index * size, batch.data.begin() + (index + 1) * size}};
}

TEST(Invariance, BatchAndThreadsDontChangeABit) {
  const Array batch = images(7);
  MergeOptions foveal;
  foveal.schedule.r = 4;
  foveal.method = Method::foveal;
  for (const MergeOptions& merge : {MergeOptions{}, MergeOptions{.schedule = {.r = 4}}, foveal}) {
    RunOptions options;
    options.merge = merge;
    const Model single = Model::load(kModel, {.threads = 1});
    for (const int threads : {1, 2, 3}) {
      const Model model = Model::load(kModel, {.threads = threads, .oversubscribe = true});
      const Result all = model.run(batch, options);
      for (int64_t i = 0; i < batch.shape[0]; ++i) {
        const Result alone = single.run(one_of(batch, i), options);
        EXPECT_EQ(one_of(all.tokens, i).data, alone.tokens.data)
            << to_string(merge.method) << ' ' << threads << ' ' << i;
        EXPECT_EQ(one_of(all.logits, i).data, alone.logits.data);
        EXPECT_TRUE(std::equal(alone.source.data.begin(), alone.source.data.end(),
                               all.source.data.begin() + i * all.source.shape[1]));
      }
    }
  }
}

TEST(Invariance, OneImageSpreadOverThreadsHasTheSameBits) {
  // Heads of 12 and of 64 channels, in both formats: what each thread works in must be aligned.
  for (const char* name :
       {"vit", "vit-head64", "parallel", "../goldens-families/eva-post-norm-timm"}) {
    const std::filesystem::path path = kModel.parent_path() / name;
    const Array image = one_of(read_npy(path / "input.npy"), 0);
    RunOptions options;
    options.merge.schedule.r = 2;
    for (const auto& [dtype, method] : {std::pair(Dtype::f32, Method::tome),
                                        {Dtype::bf16, Method::tome},
                                        {Dtype::f32, Method::foveal},
                                        {Dtype::bf16, Method::foveal}}) {
      options.merge.method = method;
      const Result alone = Model::load(path, {.threads = 1, .dtype = dtype}).run(image, options);
      const Model model = Model::load(path, {.threads = 3, .oversubscribe = true, .dtype = dtype});
      for (int round = 0; round < 20; ++round) {
        EXPECT_EQ(model.run(image, options).tokens.data, alone.tokens.data) << name;
      }
    }
  }
}

TEST(Invariance, SeveralThreadsShareOneModel) {
  const Model model = Model::load(kModel, {.threads = 2});
  const Array batch = images(3);
  RunOptions options;
  options.merge.schedule.r = 3;
  const Result want = model.run(batch, options);
  std::atomic<int> equal = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 10; ++round)
        equal += model.run(batch, options).logits.data == want.logits.data;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(equal, 40);
}

TEST(Invariance, NothingMergedIsThePlainModelToTheBit) {
  const Model model = Model::load(kModel, {.threads = 2});
  const Array batch = images(2);
  const Result plain = model.run(batch);
  RunOptions options;
  options.merge.schedule.per_layer = {0, 0, 0};
  options.merge.metric = Metric::x;
  options.merge.prop_attn = false;
  const Result merged = model.run(batch, options);
  EXPECT_EQ(plain.tokens.data, merged.tokens.data);
  EXPECT_EQ(plain.logits.data, merged.logits.data);
}

TEST(Invariance, SizesAddUpAndUnmergeKeepsTheShape) {
  const Model model = Model::load(kModel, {.threads = 2});
  const Array batch = images(3);
  for (const MergeMode mode :
       {MergeMode::weighted, MergeMode::mean, MergeMode::amax, MergeMode::keep}) {
    RunOptions options;
    options.merge.schedule.r = 5;
    options.merge.merge = mode;
    const Result result = model.run(batch, options);
    const int64_t positions = result.source.shape[1];
    for (int64_t i = 0; i < 3; ++i) {
      const Array sizes = one_of(result.sizes, i);
      EXPECT_EQ(std::accumulate(sizes.data.begin(), sizes.data.end(), 0.0F),
                static_cast<float>(positions));
    }
    for (const int32_t token : result.source.data) {
      EXPECT_GE(token, 0);
      EXPECT_LT(token, result.tokens.shape[1]);
    }
    EXPECT_EQ(unmerge(result.tokens, result.source).shape,
              (Shape{3, positions, result.tokens.shape[2]}));
  }
}

TEST(Invariance, FeaturesAndLogitsDontNeedTokens) {
  const Model model = Model::load(kModel, {.threads = 1});
  const Result lean = model.run(images(2), {.want_tokens = false});
  EXPECT_EQ(lean.logits.data, model.run(images(2)).logits.data);
  EXPECT_TRUE(lean.tokens.empty());
}

// All ways to merge in the last layer, whose tokens nobody asks for but the first.
std::vector<MergeOptions> ways_to_merge() {
  return {{},
          {.schedule = {.r = 3}},
          {.schedule = parse_schedule("8%")},
          {.schedule = {.r = 3}, .placement = Placement::before_attention},
          {.schedule = {.r = 3}, .placement = Placement::after_mlp},
          {.schedule = {.r = 3}, .matching = Matching::kmeans},
          {.schedule = {.r = 3}, .metric = Metric::q, .matching = Matching::random_bipartite},
          {.schedule = {.r = 3}, .threshold = 0.5F},
          {.schedule = {.r = 3}, .method = Method::foveal}};
}

TEST(Invariance, TheLastLayerOfPooledTokensAloneIsThatOfAll) {
  for (const std::string collection :
       {"goldens", "goldens-families", "goldens-video", "goldens-audio"}) {
    for (const std::string& name : golden_names(collection)) {
      const Array images = read_npy(golden(name) / "input.npy");
      for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
        const Model model = Model::load(golden(name), {.threads = 2, .dtype = dtype});
        for (const MergeOptions& merge : ways_to_merge()) {
          if (!error_of([&] { course_of(model.architecture(), merge); }).empty()) continue;
          const Result all = model.run(images, {.merge = merge});
          const Result lean = model.run(images, {.merge = merge, .want_tokens = false});
          ASSERT_EQ(lean.features.data, all.features.data) << name;
          ASSERT_EQ(lean.logits.data, all.logits.data) << name;
          ASSERT_EQ(lean.layer_tokens.data, all.layer_tokens.data) << name;
        }
      }
    }
  }
}

TEST(Invariance, WhatIsAskedOfTheLastLayerIsOfAllTokens) {
  const Model model = Model::load(kModel, {.threads = 1});
  const int depth = model.architecture().depth;
  RunOptions wanted;
  wanted.merge.schedule.r = 3;
  wanted.want_trace = true;
  wanted.layers = {depth};
  wanted.want_attention = true;
  const Result all = model.run(images(2), wanted);
  RunOptions lean = wanted;
  lean.want_tokens = false;
  EXPECT_EQ(model.run(images(2), lean).trace.data, all.trace.data);
  lean.want_trace = false;
  EXPECT_EQ(model.run(images(2), lean).attention.data, all.attention.data);
  lean.want_attention = false;
  EXPECT_EQ(model.run(images(2), lean).layers.at(depth).tokens.data,
            all.layers.at(depth).tokens.data);
}

// What is counted is what runs.
TEST(Invariance, TheLastLayerOfPooledTokensAloneIsSparedTheOthers) {
  const Model model = Model::random("vit_tiny_patch32_64", 1, {.threads = 1});
  const Array pixels({2, 3, 64, 64});
  for (const int r : {0, 1}) {
    const MergeOptions merge = {.schedule = {.r = r}};
    const auto operations = [&](bool want_tokens) {
      Profile profile;
      model.run(pixels, {.merge = merge, .want_tokens = want_tokens, .profile = &profile});
      return profile.product_operations + profile.attention_operations;
    };
    const Cost counted = cost(model.architecture(), {64, 64}, merge);
    EXPECT_NEAR(operations(true) - operations(false), 2e9 * (counted.gflops - counted.computed), 1);
  }
}

TEST(Door, NamesImagesThatDontFit) {
  const Model model = Model::load(kModel);
  for (const Shape& shape :
       {Shape{1, 3, 40, 50}, Shape{1, 4, 40, 56}, Shape{3, 40, 56}, Shape{0, 3, 40, 56}}) {
    EXPECT_THROW(model.run(Array(shape)), Error) << to_string(shape);
  }
}

TEST(Door, NamedArchitecturesRunOnRandomWeights) {
  const Model model = Model::random("vit_tiny_patch32_64", 1, {.threads = 1});
  const Result a = model.run(Array({1, 3, 64, 64}));
  EXPECT_EQ(a.logits.shape, (Shape{1, 1000}));
  EXPECT_EQ(a.logits.data,
            Model::random("vit_tiny_patch32_64", 1).run(Array({1, 3, 64, 64})).logits.data);
}

}  // namespace
}  // namespace fovea
