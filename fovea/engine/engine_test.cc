#include "fovea/engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fovea/engine/workers.h"
#include "fovea/fovea.h"
#include "fovea/model/testing.h"

namespace fovea {
namespace {

Array pictures(int64_t batch) {
  Array images({batch, 3, 40, 56});
  for (size_t i = 0; i < images.data.size(); ++i) {
    images.data[i] = static_cast<float>(i * 37 % 101) / 50 - 1;
  }
  return images;
}

TEST(EngineTest, SharesOutEveryImageOnce) {
  const Engine engine({.threads = 3, .oversubscribe = true});
  for (const int64_t images : {0, 1, 2, 3, 7, 12, 13}) {
    std::vector<std::atomic<int>> seen(images);
    engine.workers().share_out(images, [&](Cpu&, int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++seen[i];
    });
    for (const auto& times : seen) EXPECT_EQ(times, 1) << images;
  }
}

TEST(EngineTest, SaysWhatItIs) {
  const Engine engine({.threads = 2, .oversubscribe = true, .dtype = Dtype::bf16});
  EXPECT_EQ(engine.threads(), 2);
  EXPECT_EQ(engine.dtype(), Dtype::bf16);
  EXPECT_EQ(engine.simd(), to_string(chosen_instructions()));
}

TEST(EngineTest, TwoModelsShareOneAndAnswerAsApart) {
  const auto engine =
      std::make_shared<const Engine>(EngineOptions{.threads = 2, .oversubscribe = true});
  const std::vector<std::string> names = {"vit", "vit-odd"};
  std::vector<Model> together;
  for (const std::string& name : names) {
    together.push_back(Model::load(golden(name), {.engine = engine}));
    EXPECT_EQ(together.back().engine(), engine);
    EXPECT_EQ(together.back().threads(), 2);
  }
  const Array images = pictures(5);
  const RunOptions merged = {.merge = {.schedule = {.r = 4}}};
  // At once, so that one finds the threads taken by the other.
  std::vector<Result> got(names.size());
  {
    std::vector<std::jthread> callers;
    for (size_t i = 0; i < names.size(); ++i) {
      callers.emplace_back([&, i] { got[i] = together[i].run(images, merged); });
    }
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const Model apart = Model::load(golden(names[i]), {.threads = 1});
    EXPECT_NE(apart.engine(), engine);
    const Result want = apart.run(images, merged);
    EXPECT_EQ(got[i].tokens.data, want.tokens.data) << names[i];
    EXPECT_EQ(got[i].logits.data, want.logits.data) << names[i];
    EXPECT_EQ(got[i].source.data, want.source.data) << names[i];
  }
  together.front().trim();
  EXPECT_EQ(together.back().run(images, merged).logits.data, got.back().logits.data);
}

TEST(EngineTest, OutlivesWhoMadeIt) {
  std::optional<Model> first = Model::load(golden("vit"), {.threads = 1});
  const Model second = Model::load(golden("vit"), {.engine = first->engine()});
  const Result want = first->run(pictures(1));
  first.reset();
  EXPECT_EQ(second.run(pictures(1)).logits.data, want.logits.data);
}

}  // namespace
}  // namespace fovea
