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
  save_sam(folder / "model", weights);
  const Checkpoint checkpoint = Checkpoint::open(folder / "model");
  for (const Weight& weight : weights) {
    EXPECT_EQ(checkpoint.read(weight.name, weight.values.shape).data, weight.values.data)
        << weight.name;
  }
}

}  // namespace
}  // namespace fovea
