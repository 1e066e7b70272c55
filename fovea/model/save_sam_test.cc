#include "fovea/model/save_sam.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/testing.h"
#include "fovea/model/checkpoint.h"

namespace fovea {
namespace {

using testing::ElementsAre;

TEST(SaveSamTest, GivesTensorsTheirOwnNames) {
  EXPECT_EQ(sam_spelling("pos_embed"), "image_encoder.pos_embed");
  EXPECT_EQ(sam_spelling("blocks.11.attns.0.norm.bias"), "image_encoder.blocks.11.norm1.bias");
  EXPECT_EQ(sam_spelling("blocks.0.attns.0.attn.rel_pos_h"),
            "image_encoder.blocks.0.attn.rel_pos_h");
  EXPECT_EQ(sam_spelling("blocks.0.ffns.0.norm.weight"), "image_encoder.blocks.0.norm2.weight");
  EXPECT_EQ(sam_spelling("blocks.0.ffns.0.mlp.fc2.bias"), "image_encoder.blocks.0.mlp.lin2.bias");
  EXPECT_EQ(sam_spelling("neck.2.weight"), "image_encoder.neck.2.weight");
  EXPECT_EQ(sam_spelling("mask_decoder.iou_token.weight"), "mask_decoder.iou_token.weight");
}

TEST(SaveSamTest, IsReadAgainUnderCanonicalNames) {
  const TemporaryFolder folder;
  const std::vector<Weight> weights = {
      {Array({2, 3}, {1, 2, 3, 4, 5, 6}), "blocks.0.attns.0.attn.rel_pos_h"},
      {Array({1, 1, 1, 2}, {7, 8}), "pos_embed"},
      {Array({1, 2}, {9, 10}), "mask_decoder.iou_token.weight"}};
  save_sam(folder / "model", {}, {}, weights);
  const Checkpoint checkpoint = Checkpoint::open(folder / "model");
  for (const Weight& weight : weights) {
    EXPECT_EQ(checkpoint.read(weight.name, weight.values.shape).data, weight.values.data)
        << weight.name;
  }
}

Architecture routed_encoder() {
  Architecture a;
  a.image_size = {64, 64};
  a.input_size = {64, 64};
  a.block.heads = 3;
  a.pooling = Pooling::average;
  Routing& routing = a.routing.emplace();
  routing.predict_after = {1, 3};
  routing.keep_ratio = 0.4;
  return a;
}

// What no shape tells: how pictures are prepared, a decoder that is not SAM's own, and routing.
TEST(SaveSamTest, SaysWhatShapesDoNotTell) {
  const TemporaryFolder folder;
  const Architecture a = routed_encoder();
  Config config;
  config.preprocessing = sam_preprocessing();
  config.preprocessing.mean = {1, 2, 3};
  SegmentConfig& segment = config.segment.emplace();
  segment.heads = 4;
  segment.eps = 1e-3;
  segment.prompt_eps = 1e-4;
  save_sam(folder / "model", a, config, {{Array({1, 1, 1, 2}, {7, 8}), "pos_embed"}});
  const Config read = read_config(folder / "model");
  EXPECT_EQ(read.preprocessing.fit, Fit::corner);
  EXPECT_EQ(read.preprocessing.mean, config.preprocessing.mean);
  EXPECT_EQ(read.preprocessing.full_scale, 1);
  EXPECT_EQ(read.preprocessing.interpolation, Interpolation::bilinear);
  EXPECT_EQ(read.input_size, Grid(64, 64));
  EXPECT_EQ(read.heads, 3);
  EXPECT_THAT(read.predict_after, ElementsAre(1, 3));
  EXPECT_EQ(read.keep_ratio, 0.4);
  ASSERT_TRUE(read.segment);
  EXPECT_EQ(read.segment->heads, 4);
  EXPECT_EQ(read.segment->eps, 1e-3);
  EXPECT_EQ(read.segment->prompt_eps, 1e-4);
}

}  // namespace
}  // namespace fovea
