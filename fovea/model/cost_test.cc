// Costs against formulas written out for the plain ViT, against those that counted before a run of
// the model's text did, and against the numbers of the papers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "fovea/model/cost.h"
#include "fovea/tokens/options.h"

namespace fovea {
namespace {

using testing::Each;
using testing::ElementsAre;

Cost cost_of(const Architecture& a, int r) { return cost(a, a.image_size, {.schedule = {.r = r}}); }

// Two per multiply-add of a plain ViT with a class token.
double plain_gflops(int64_t c, int depth, int64_t patch, int64_t image, int64_t r) {
  int64_t n = image / patch * (image / patch) + 1;
  int64_t products = (n - 1) * 3 * patch * patch * c;
  for (int i = 0; i < depth; ++i) {
    const int64_t left = n - std::min(r, (n - 1) / 2);
    products += 4 * c * c * n + 2 * n * n * c + 8 * c * c * left;
    n = left;
  }
  return 2e-9 * static_cast<double>(products);
}

// Of one image of 224 x 224 pixels.
int64_t multiply_adds(const Architecture& a, const MergeOptions& merge = {},
                      std::optional<double> keep_ratio = {}) {
  return std::llround(cost(a, {224, 224}, merge, keep_ratio).gflops * 0.5e9);
}

TEST(Cost, IsThatOfAPlainViT) {
  const Architecture small = named_architecture("vit_small_patch16_224");
  const Architecture huge = named_architecture("vit_huge_patch14_518");
  for (const int r : {0, 7, 13, 100}) {
    EXPECT_NEAR(cost_of(small, r).gflops, plain_gflops(384, 12, 16, 224, r), 1e-9);
    EXPECT_NEAR(cost_of(huge, r).gflops, plain_gflops(1280, 32, 14, 518, r), 1e-6);
  }
  EXPECT_NEAR(cost_of(small, 0).gflops, 9.197, 0.001);  // 4.6 of multiply-adds, as papers count
}

TEST(Cost, CountsTokensThatLeaveEachLayer) {
  const Architecture a = named_architecture("vit_tiny_patch16_224");
  EXPECT_THAT(cost_of(a, 0).tokens_per_layer, Each(197));
  EXPECT_THAT(cost_of(a, 13).tokens_per_layer,
              ElementsAre(184, 171, 158, 145, 132, 119, 106, 93, 80, 67, 54, 41));
  // At most half of what is not protected.
  EXPECT_THAT(cost_of(a, 1000).tokens_per_layer,
              ElementsAre(99, 50, 26, 14, 8, 5, 3, 2, 2, 2, 2, 2));
}

TEST(Cost, SharesAreOfWhatComesIntoALayer) {
  const Architecture a = named_architecture("vit_tiny_patch16_224");
  EXPECT_THAT(cost(a, {224, 224}, {.schedule = parse_schedule("8%")}).tokens_per_layer,
              ElementsAre(181, 167, 154, 142, 131, 121, 111, 102, 94, 87, 80, 74));
  EXPECT_THAT(cost(a, {224, 224}, {.schedule = parse_schedule("8%,0,50%")}).tokens_per_layer,
              ElementsAre(181, 181, 91, 91, 91, 91, 91, 91, 91, 91, 91, 91));
  // The share is the same of larger pictures, and cut at half whatever the matching.
  EXPECT_EQ(cost(a, {448, 448}, {.schedule = parse_schedule("8%,0")}).tokens_per_layer[0],
            785 - 63);
  EXPECT_EQ(cost(a, {48, 48}, {.schedule = parse_schedule("50%,0"), .matching = Matching::greedy})
                .tokens_per_layer[0],
            10 - 4);
}

TEST(Cost, LeavesProtectedTokensOut) {
  Architecture a = named_architecture("vit_tiny_patch32_64");
  a.registers = 3;  // 4 patches, 4 protected tokens
  EXPECT_THAT(cost(a, {64, 64}, {.schedule = parse_schedule("9,1,1")}).tokens_per_layer,
              ElementsAre(6, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5));
  a.class_token = false;
  a.registers = 0;
  EXPECT_EQ(cost(a, {64, 96}).tokens_per_layer.front(), 6);
}

TEST(Cost, OfARoutedLayerIsThatOfThePaper) {
  const Architecture a = named_architecture("blvit_base_tiny_patch16_224");
  Architecture plain = a;
  plain.routing.reset();
  const double n = 197, c = 768;
  const double plain_layer = 2e-9 * (12 * n * c * c + 2 * n * n * c);
  const double routed_layer = 2e-9 * (6.5 * n * c * c + n * n * c);
  const double rest = cost_of(plain, 0).gflops - 12 * plain_layer;
  const double gflops = cost_of(a, 0).gflops;
  EXPECT_NEAR(gflops, rest + plain_layer + 11 * routed_layer, 0.015 * gflops);
  EXPECT_NEAR(gflops / cost_of(plain, 0).gflops, 0.58, 0.01);
  EXPECT_THAT(cost_of(a, 0).tokens_per_layer, Each(197));
}

TEST(Cost, OfABigLittleViTGrowsWithTheKeepRatio) {
  Architecture a = named_architecture("blvit_huge_base_patch14_224");
  Architecture plain = a;
  plain.routing.reset();
  const double quarter = cost_of(a, 0).gflops;
  a.routing->keep_ratio = 0.5;
  EXPECT_GT(cost_of(a, 0).gflops, quarter);
  a.routing->keep_ratio = 1;
  a.routing->little_every = 0;
  // All tokens on the big path alone, and three predictors of two outputs.
  EXPECT_NEAR(cost_of(a, 0).gflops, cost_of(plain, 0).gflops + 3 * 2e-9 * 2 * 1280 * 257, 1e-9);
}

TEST(Cost, CountsBranchesAndTheStem) {
  Architecture a = named_architecture("vit_small_patch16_224");
  const double plain = cost_of(a, 0).gflops;
  const double embedding = 2e-9 * 196 * 768 * 384;
  a.block.branches = 2;
  a.depth = 6;  // as many blocks, side by side
  EXPECT_NEAR(cost_of(a, 0).gflops, plain, 1e-9);
  a.stem = Stem::hmlp;
  a.convolutions = hmlp_convolutions(384, 16, "");
  // 16 positions see 48 values, 4 see 4 x 96, 1 sees 4 x 96.
  const double stem = 2e-9 * 196 * (16 * 48 * 96 + 4 * 384 * 96 + 384 * 384);
  EXPECT_NEAR(cost_of(a, 0).gflops, plain - embedding + stem, 1e-9);
  a.stem = Stem::conv;
  a.patch = {4, 4};
  a.convolutions = overlapping_convolutions(std::vector{24, 48, 96}, 4, "");
  a.image_size = {56, 56};
  // 16 places for each patch, then 4, then 1.
  const double overlapping =
      2e-9 * 196 * 9 * (16 * 3 * 24 + 4 * 24 * 48 + 48 * 96) + 2e-9 * 196 * 96 * 384;
  EXPECT_NEAR(cost_of(a, 0).gflops, plain - embedding + overlapping, 1e-9);
}

TEST(Cost, CountsWhatRunsWhereverTokensMerge) {
  Architecture a = named_architecture("vit_tiny_patch32_64");  // 4 patches and a class token
  a.depth = 1;
  a.block.branches = 2;
  const double c = 192;
  const auto multiply_adds = [&](const MergeOptions& merge) {
    return cost(a, {64, 64}, merge).gflops * 0.5e9 - 4 * 3 * 32 * 32 * c;
  };
  const auto attention = [&](double n) { return 2 * (4 * c * c * n + 2 * n * n * c); };
  const auto mlp = [&](double n) { return 2 * 8 * c * c * n; };
  const double looking = 2 * 3 * c * c * 5;
  MergeOptions merge{.schedule = {.r = 1}};
  EXPECT_NEAR(multiply_adds(merge), attention(5) + mlp(4), 1);
  merge.placement = Placement::after_mlp;
  EXPECT_NEAR(multiply_adds(merge), attention(5) + mlp(5), 1);
  merge.placement = Placement::before_attention;
  EXPECT_NEAR(multiply_adds(merge), looking + attention(4) + mlp(4), 1);
  merge.metric = Metric::x;
  EXPECT_NEAR(multiply_adds(merge), attention(4) + mlp(4), 1) << "norm1 alone tells";
  merge.matching = Matching::attention_prune;
  EXPECT_NEAR(multiply_adds(merge), looking + attention(4) + mlp(4), 1);
  merge.matching = Matching::random_prune;
  EXPECT_NEAR(multiply_adds(merge), attention(4) + mlp(4), 1);
  merge.schedule.r = 0;
  EXPECT_NEAR(multiply_adds(merge), attention(5) + mlp(5), 1);
}

TEST(Cost, KnowsHowManyEachMatchingTakes) {
  const Architecture a = named_architecture("vit_tiny_patch16_224");
  const auto last = [&](Matching matching) {
    return cost(a, {224, 224}, {.schedule = {.r = 50}, .matching = matching})
        .tokens_per_layer.back();
  };
  EXPECT_EQ(last(Matching::bipartite), 2);
  EXPECT_EQ(last(Matching::greedy), 2);
  EXPECT_THAT(
      cost(a, {224, 224}, {.schedule = {.r = 90}, .matching = Matching::kmeans}).tokens_per_layer,
      testing::ElementsAre(107, 17, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2));
  EXPECT_THAT(cost(a, {224, 224}, {.matching = Matching::kth, .k = 5}).tokens_per_layer,
              testing::ElementsAre(41, 9, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5));
}

TEST(Cost, IsWhatWasCountedByHand) {
  const MergeOptions merged{.schedule = {.r = 13}};
  MergeOptions before = merged;
  before.placement = Placement::before_attention;
  MergeOptions after = merged;
  after.placement = Placement::after_mlp;

  const Architecture plain = named_architecture("vit_small_patch16_224");
  EXPECT_EQ(multiply_adds(plain), 4598498304);
  EXPECT_EQ(multiply_adds(plain, merged), 2702317056);
  EXPECT_EQ(multiply_adds(plain, before), 3247996416);
  EXPECT_EQ(multiply_adds(plain, after), 2886342144);

  Architecture gated = plain;
  gated.block.gated = true;
  gated.block.mlp_width = 1000;  // for 3 x 1000 channels, not 2 x 1536
  EXPECT_EQ(multiply_adds(gated), 4598498304 - 12 * 197 * 384 * 72);

  Architecture parallel = plain;
  parallel.depth = 6;
  parallel.block.branches = 2;
  EXPECT_EQ(multiply_adds(parallel), 4598498304);
  EXPECT_EQ(multiply_adds(parallel, before), 4364007936);

  Architecture stem = plain;
  stem.stem = Stem::hmlp;
  stem.convolutions = hmlp_convolutions(384, 16, "");
  EXPECT_EQ(multiply_adds(stem), 4612948992);
  stem.stem = Stem::conv;
  stem.convolutions = overlapping_convolutions(std::vector{24, 48, 96, 192}, 16, "");
  EXPECT_EQ(multiply_adds(stem), 4660816896);

  const Architecture routed = named_architecture("blvit_base_tiny_patch16_224");
  EXPECT_EQ(multiply_adds(routed), 10257751680);
  EXPECT_EQ(multiply_adds(routed, merged), 6818841984);
  EXPECT_EQ(multiply_adds(routed, before), 8617056000);
  EXPECT_EQ(multiply_adds(routed, after), 6964528512);
  EXPECT_EQ(multiply_adds(routed, {}, 0.5), 13600000128);
  EXPECT_EQ(multiply_adds(routed, merged, 0.5), 9002857344);
  const Architecture deep = named_architecture("blvit_huge_base_patch14_224");
  EXPECT_EQ(multiply_adds(deep), 125998409216);
  EXPECT_EQ(multiply_adds(deep, merged), 48699612160);
}

TEST(Cost, IsOfTheTokensThatLeftEachLayer) {
  const Architecture a = named_architecture("vit_small_patch16_224");
  const Course course = course_of(a, {.schedule = {.r = kNoLimit}, .threshold = 0.9F});
  const std::vector<int> left = {180, 180, 150, 150, 150, 100, 100, 90, 80, 70, 60, 50};
  EXPECT_EQ(std::llround(gflops(a, {224, 224}, course, left) * 0.5e9), 2715424512);
}

TEST(Cost, LeavesTheHeadOut) {
  Architecture a = named_architecture("vit_small_patch16_224");
  const double plain = cost_of(a, 0).gflops;
  a.attention_pool = AttentionPool{.heads = 6, .mlp_width = 1536};
  a.pooling = Pooling::map;
  a.projection = 512;
  EXPECT_EQ(cost_of(a, 0).gflops, plain);
  a.classes = 0;
  EXPECT_EQ(cost_of(a, 0).gflops, plain);
}

// A run of the text, of which where tokens are makes no product.
TEST(Cost, IsTheSameWhereTokensHavePlaces) {
  Architecture a = named_architecture("vit_small_patch16_224");
  const double plain = cost(a, {224, 448}).gflops;
  a.block.rotation = Rotation{.kind = RotationKind::mixed};
  EXPECT_EQ(cost(a, {224, 448}).gflops, plain);
  a.block.rotation.reset();
  a.block.bias_rows = 27 * 27 + 3;
  a.block.bias_grid = {14, 14};
  EXPECT_EQ(cost(a, {224, 448}).gflops, plain);
}

}  // namespace
}  // namespace fovea
