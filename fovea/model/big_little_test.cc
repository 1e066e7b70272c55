// What is inferred of big.LITTLE ViTs, and refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fovea/model/architecture.h"
#include "fovea/model/course.h"
#include "fovea/model/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(InferArchitecture, ReadsABigLittleViT) {
  const Architecture every_layer = infer("blvit-every-layer");
  ASSERT_TRUE(every_layer.routing);
  EXPECT_EQ(every_layer.plain_layers(), 1);
  EXPECT_EQ(every_layer.routing->little_every, 1);
  EXPECT_EQ(every_layer.routing->little_width, 12);
  EXPECT_EQ(every_layer.routing->little_heads, 2);
  EXPECT_EQ(every_layer.routing->little_mlp_width, 48);
  EXPECT_THAT(every_layer.routing->predict_after, ElementsAre(1, 3));
  EXPECT_EQ(every_layer.routing->keep_ratio, 0.25);
  const Routing every_second = *infer("blvit-every-second").routing;
  EXPECT_EQ(every_second.first_big, 2);
  EXPECT_EQ(every_second.little_every, 2);
  EXPECT_TRUE(every_second.has_little(2));
  EXPECT_FALSE(every_second.has_little(3));
  EXPECT_FALSE(every_second.has_little(0));
  EXPECT_FALSE(infer("vit").routing);
  EXPECT_EQ(infer("vit").plain_layers(), 3);
}

TEST(InferArchitecture, FindsLittleBlocksWhereTheConfigIsSilent) {
  for (const char* model : {"blvit-every-layer", "blvit-every-second"}) {
    Config config = config_of(model);
    config.first_big.reset();
    config.little_every.reset();
    const Routing routing = *infer(shapes_of(model), config).routing;
    EXPECT_EQ(routing.first_big, *config_of(model).first_big);
    EXPECT_EQ(routing.little_every, *config_of(model).little_every);
  }
  Shapes shapes = shapes_of("blvit-every-layer");
  std::erase_if(shapes, [](const auto& entry) {
    return entry.first.find(".little.") != std::string::npos || entry.first.ends_with(".gamma");
  });
  Config config = config_of("blvit-every-layer");
  config.little_every.reset();
  EXPECT_EQ(infer(shapes, config).routing->little_every, 0);
}

// The message for a big.LITTLE golden whose config was changed.
template <typename Change>
std::string error_with_config(const std::string& model, Change change) {
  Config config = config_of(model);
  change(config);
  return error_of([&] { infer(shapes_of(model), config); });
}

TEST(InferArchitecture, HoldsRoutingAgainstTheTensors) {
  const std::string every_layer = "blvit-every-layer";
  EXPECT_THAT(error_with_config(every_layer, [](Config& c) { c.predict_after.clear(); }),
              HasSubstr("predictors.0.bias found, which makes it a big.LITTLE ViT; config.json "
                        "should give predict_after"));
  EXPECT_THAT(error_with_config(every_layer, [](Config& c) { c.first_big = 2; }),
              HasSubstr("gives first_big as 2 and predict_after from 1 on"));
  EXPECT_THAT(error_with_config(every_layer,
                                [](Config& c) {
                                  c.predict_after = {1, 99};
                                }),
              HasSubstr("predict_after up to 99; expected less than the"));
  EXPECT_THAT(error_with_config(every_layer,
                                [](Config& c) {
                                  c.predict_after = {1, 2, 3};
                                }),
              HasSubstr("tensor predictors.2.weight is missing"));
  EXPECT_THAT(error_with_config(every_layer, [](Config& c) { c.predict_after = {1}; }),
              HasSubstr("tensor predictors.1.bias is of predictor 2; predict_after in config.json "
                        "names 1 layers"));
  EXPECT_THAT(error_with_config(every_layer, [](Config& c) { c.little_every = 2; }),
              HasSubstr("is of a LITTLE block; expected one in every 2 layers after the first 1"));
  EXPECT_THAT(error_with_config("blvit-every-second", [](Config& c) { c.little_every = 1; }),
              HasSubstr("tensor blocks.3.gamma is missing"));
  EXPECT_THAT(error_with_config(every_layer,
                                [](Config& c) {
                                  c.first_big.reset();
                                  c.predict_after = {2, 3};
                                }),
              HasSubstr("tensor blocks.1.alpha_attn is of a routed layer; expected it after the "
                        "first 2"));
  EXPECT_THAT(error_with_config(every_layer, [](Config& c) { c.little_heads = 5; }),
              HasSubstr("12 channels of LITTLE blocks can't be shared out to 5 heads"));
  EXPECT_THAT(error_with_config(every_layer, [](Config& c) { c.little_heads.reset(); }),
              HasSubstr("config.json should give little_num_heads"));
  EXPECT_THAT(error_with_config("vit", [](Config& c) { c.predict_after = {1}; }),
              HasSubstr("blocks.1.alpha_attn is missing"));
  EXPECT_THAT(error_with_config("deit3", [](Config& c) { c.predict_after = {1}; }),
              HasSubstr("beside LayerScale"));
}

TEST(KeepRatio, IsTheModelsUnlessAskedOtherwise) {
  const Architecture plain = infer("vit");
  const Architecture routed = infer("blvit-every-layer");
  EXPECT_EQ(keep_ratio_of(routed, {}), 0.25);
  EXPECT_EQ(keep_ratio_of(routed, 0.5), 0.5);
  EXPECT_EQ(keep_ratio_of(plain, {}), 1);
  EXPECT_THAT(error_of([&] { keep_ratio_of(plain, 0.5); }), HasSubstr("no big.LITTLE ViT"));
  for (const double wrong : {0.0, -0.1, 1.1, std::nan("")}) {
    EXPECT_THAT(error_of([&] { keep_ratio_of(routed, wrong); }), HasSubstr("expected a number"));
  }
}

TEST(CheckMerges, RefusesWhatDoesNotGoWithRoutes) {
  const Architecture routed = infer("blvit-every-layer");
  course_of(routed, {});
  course_of(routed, {.schedule = {.per_layer = {0, 2}}});
  course_of(routed, {.matching = Matching::kth});
  EXPECT_EQ(error_of([&] { course_of(routed, {.threshold = 0.5F}); }),
            "threshold 0.5: all images of a batch that a big.LITTLE ViT routes must keep equally "
            "many tokens; expected r alone");
  EXPECT_EQ(error_of([&] { course_of(routed, {.metric = Metric::q}); }),
            "metric q: only the selected tokens of a big.LITTLE ViT have queries; expected k, v, x "
            "or k_concat");
  course_of(infer("vit"), {.threshold = 0.5F});
}

// Where tokens merge as well there is less to compute, but no less than what is left needs.
TEST(Cost, CountsRoutingAndMergingTogether) {
  const Architecture routed = infer("blvit-every-layer");
  Architecture plain = routed;
  plain.routing.reset();
  const MergeOptions merge{.schedule = {.r = 4}};
  const double both = cost(routed, {48, 48}, merge).gflops;
  EXPECT_LT(both, cost(routed, {48, 48}).gflops);
  EXPECT_LT(both, cost(plain, {48, 48}, merge).gflops);
  MergeOptions before = merge;
  before.placement = Placement::before_attention;
  before.metric = Metric::x;  // needs no product
  EXPECT_LT(cost(routed, {48, 48}, before).gflops, both);
  MergeOptions after = merge;
  after.placement = Placement::after_mlp;
  EXPECT_GT(cost(routed, {48, 48}, after).gflops, both);
}

}  // namespace
}  // namespace fovea
