// What holds of every way to merge: sizes, sources, the same bits in any batch, and the plain model
// where nothing merges.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fovea/backend/input.h"
#include "fovea/fovea.h"
#include "fovea/io/npy.h"
#include "fovea/tokens/sources.h"
#include "tests/paths.h"

namespace fovea {
namespace {

const std::filesystem::path kModels = test_data() / "goldens";

// Every alternative with options that let it act.
struct Way {
  std::string name;
  MergeOptions options;
  bool drops = false;
};

std::vector<Way> all_ways() {
  std::vector<Way> ways = {
      {"sequential", {.partition = Partitioning::sequential}},
      {"random", {.partition = Partitioning::random, .seed = 5}},
      {"greedy", {.matching = Matching::greedy}},
      {"kmeans", {.matching = Matching::kmeans}},
      {"random_prune", {.matching = Matching::random_prune}, true},
      {"attention_prune", {.matching = Matching::attention_prune}, true},
      {"random_bipartite", {.matching = Matching::random_bipartite}},
      {"kth", {.matching = Matching::kth, .k = 3}},
      {"salience", {.score = Scoring::salience}},
      {"salience_of_inputs", {.metric = Metric::x, .score = Scoring::salience}},
      {"bipartite", {}},
  };
  const Way foveal{"foveal", {.method = Method::foveal}};
  const size_t count = ways.size();
  for (const Placement placement : {Placement::before_attention, Placement::after_mlp}) {
    for (size_t i = 0; i < count; ++i) {
      ways.push_back(ways[i]);
      ways.back().options.placement = placement;
      ways.back().name += placement == Placement::after_mlp ? "_after_mlp" : "_before_attention";
    }
  }
  ways.push_back(foveal);  // whose place is between alone
  return ways;
}

// Whether a model can merge so at all.
bool suits(const MergeOptions& way, const Architecture& a) {
  if (way.method == Method::foveal) return a.class_token && !a.routing;
  const bool looks = way.matching == Matching::attention_prune || way.score == Scoring::salience;
  return a.class_token || !looks;
}

class EveryWay : public testing::TestWithParam<Way> {};

TEST_P(EveryWay, KeepsSizesAndSourcesRight) {
  for (const std::string golden : {"vit-odd", "parallel", "dinov2-registers", "no-class-token",
                                   "blvit-every-layer", "blvit-every-second"}) {
    const Model model = Model::load(kModels / golden, {.threads = 2});
    const Architecture& a = model.architecture();
    if (!suits(GetParam().options, a)) continue;
    const Array images = read_npy(kModels / golden / "input.npy");
    for (const int r : {3, 1000}) {
      SCOPED_TRACE(golden + " r " + std::to_string(r));
      MergeOptions options = GetParam().options;
      options.schedule.r = r;
      const Result result = model.run(images, {.merge = options});
      const int64_t left = result.tokens.shape[1];
      const int64_t positions = result.source.shape[1];
      EXPECT_EQ(left, cost(a, input_of(images).grid, options).tokens_per_layer.back());
      EXPECT_LT(left, positions);
      EXPECT_GT(left, a.prefix()) << "a token that is not protected must be left";
      for (int64_t image = 0; image < images.shape[0]; ++image) {
        std::vector<float> counted(left);
        int64_t dropped = 0;
        for (int64_t i = 0; i < positions; ++i) {
          const int32_t token = result.source.data[image * positions + i];
          if (token < 0) {
            ++dropped;
          } else {
            ++counted.at(token);
          }
          if (i < a.prefix()) {
            EXPECT_EQ(token, i) << "protected tokens stay where they are";
          }
        }
        EXPECT_EQ(dropped, GetParam().drops ? positions - left : 0);
        EXPECT_TRUE(
            std::equal(counted.begin(), counted.end(), result.sizes.data.begin() + image * left));
      }
      EXPECT_EQ(unmerge(result.tokens, result.source).shape,
                (Shape{images.shape[0], positions, a.width}));
    }
  }
}

TEST_P(EveryWay, GivesAnImageTheSameBitsInAnyBatch) {
  for (const std::string golden : {"vit", "blvit-every-layer"}) {
    const Model single = Model::load(kModels / golden, {.threads = 1});
    if (!suits(GetParam().options, single.architecture())) continue;
    const Array images = read_npy(kModels / golden / "input.npy");
    const int64_t batch = images.shape[0];
    const int64_t size = elements(images.shape) / batch;
    MergeOptions options = GetParam().options;
    options.schedule.r = 4;
    const Result all =
        Model::load(kModels / golden, {.threads = 2}).run(images, {.merge = options});
    for (int64_t i = 0; i < batch; ++i) {
      Array image({1, 3, images.shape[2], images.shape[3]});
      std::copy_n(images.data.begin() + i * size, size, image.data.begin());
      const Result alone = single.run(image, {.merge = options});
      EXPECT_TRUE(std::equal(alone.tokens.data.begin(), alone.tokens.data.end(),
                             all.tokens.data.begin() + i * elements(alone.tokens.shape)));
      EXPECT_TRUE(std::equal(alone.source.data.begin(), alone.source.data.end(),
                             all.source.data.begin() + i * elements(alone.source.shape)));
    }
  }
}

TEST_P(EveryWay, IsThePlainModelToTheBitWhereNothingMerges) {
  MergeOptions options = GetParam().options;
  options.k = 1;  // kth has no r
  for (const std::string golden : {"vit", "parallel", "blvit-every-layer", "blvit-every-second"}) {
    const Model model = Model::load(kModels / golden, {.threads = 1});
    if (!suits(GetParam().options, model.architecture())) continue;
    const Array images = read_npy(kModels / golden / "input.npy");
    const Result plain = model.run(images);
    const Result merged = model.run(images, {.merge = options});
    EXPECT_EQ(merged.tokens.data, plain.tokens.data);
    EXPECT_EQ(merged.logits.data, plain.logits.data);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryWay, testing::ValuesIn(all_ways()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace fovea
