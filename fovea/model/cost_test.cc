// Costs against formulas written out for the plain ViT, and against the numbers of the papers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "fovea/model/architecture.h"
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

TEST(Cost, IsThatOfAPlainViT) {
  const Architecture small = named_architecture("vit_small_patch16_224");
  const Architecture huge = named_architecture("vit_huge_patch14_518");
  for (const int r : {0, 7, 13, 100}) {
    EXPECT_NEAR(cost_of(small, r).gflops, plain_gflops(384, 12, 16, 224, r), 1e-9);
    EXPECT_NEAR(cost_of(huge, r).gflops, plain_gflops(1280, 32, 14, 518, r), 1e-6);
  }
  EXPECT_NEAR(cost_of(small, 0).gflops, 9.197, 0.001);  // 4.6 of multiply-adds, as papers count
}

// Keys and values of all tokens, and what the class token asks of them, its MLP and its projection.
TEST(Cost, ComputesNoTokensThatTheHeadDoesNotSee) {
  const Architecture a = named_architecture("vit_small_patch16_224");
  const int64_t c = a.width;
  const auto spared = [&](int64_t entering, int64_t leaving, int64_t asking) {
    const int64_t all = 4 * c * c * entering + 2 * entering * entering * c + 8 * c * c * leaving;
    const int64_t few =
        2 * c * c * (entering + asking) + 2 * entering * asking * c + 8 * c * c * asking;
    return 2e-9 * static_cast<double>(all - few);
  };
  const Cost dense = cost_of(a, 0);
  EXPECT_NEAR(dense.gflops - dense.computed, spared(197, 197, 1), 1e-9);
  const Cost merged = cost_of(a, 13);
  EXPECT_NEAR(merged.gflops - merged.computed, spared(54, 41, 1), 1e-9);
  const Cost before =
      cost(a, {224, 224}, {.schedule = {.r = 13}, .placement = Placement::before_attention});
  EXPECT_NEAR(before.gflops - before.computed, spared(41, 41, 1), 1e-9);

  Architecture distilled = a;
  distilled.distillation_token = distilled.distilled_head = true;
  const Cost both = cost_of(distilled, 0);
  EXPECT_NEAR(both.gflops - both.computed, spared(198, 198, 2), 1e-9);

  Architecture averaging = a;
  averaging.pooling = Pooling::average;
  Architecture joined = a;
  joined.pool_concat = true;
  for (const Architecture& all : {averaging, joined, named_architecture("vit_base_patch16_dinov3"),
                                  named_architecture("vit_base_patch16_siglip_224"),
                                  named_architecture("blvit_base_tiny_patch16_224")}) {
    const Cost cost = cost_of(all, 0);
    EXPECT_EQ(cost.computed, cost.gflops) << all.name;
  }
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

}  // namespace
}  // namespace fovea
