#include "fovea/model/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "fovea/model/testing.h"

namespace fovea {
namespace {

using testing::Optional;

std::string canonical(const std::string& name) {
  const auto found = canonical_name(name);
  return found ? found->name : "";
}

TEST(CanonicalName, KnowsEveryTensorOfTheGoldens) {
  for (const std::string& model : golden_names()) {
    std::set<std::string> seen;
    for (const auto& [name, shape] : shapes_of(model)) {
      if (harmless_kind(name)) continue;
      ASSERT_TRUE(canonical_name(name)) << model << " " << name;
      EXPECT_TRUE(seen.insert(canonical(name)).second) << model << " " << name;
    }
  }
}

TEST(Speller, GivesEveryNameOfTheGoldensBack) {
  for (const std::string& model : golden_names()) {
    Speller speller;
    for (const auto& [name, shape] : shapes_of(model)) {
      if (const auto found = canonical_name(name)) speller.learn(*found);
    }
    for (const auto& [name, shape] : shapes_of(model)) {
      const auto found = canonical_name(name);
      EXPECT_EQ(found ? speller.spell(found->name) : name, name);
    }
  }
}

TEST(Speller, KeepsToTheWaysOfTheFile) {
  Speller deit;
  for (const char* name : {"module.norm.weight", "module.blocks.0.gamma_1"})
    deit.learn(*canonical_name(name));
  EXPECT_EQ(deit.spell("blocks.3.ffns.0.ls.gamma"), "module.blocks.3.gamma_2");
  EXPECT_EQ(deit.spell("blocks.3.attns.2.attn.proj.bias"), "module.blocks.3.attn2.proj.bias");
  EXPECT_EQ(deit.spell("cls_token"), "module.cls_token");
  EXPECT_EQ(Speller().spell("cls_token"), "cls_token");
}

TEST(CanonicalName, TakesBranchesOfDeiT) {
  EXPECT_EQ(canonical("blocks.7.norm1.weight"), "blocks.7.attns.0.norm.weight");
  EXPECT_EQ(canonical("blocks.7.norm12.weight"), "blocks.7.attns.2.norm.weight");
  EXPECT_EQ(canonical("blocks.7.attn2.qkv.bias"), "blocks.7.attns.2.attn.qkv.bias");
  EXPECT_EQ(canonical("blocks.7.mlp11.fc1.bias"), "blocks.7.ffns.11.mlp.fc1.bias");
  EXPECT_EQ(canonical("blocks.7.gamma_2_3"), "blocks.7.ffns.3.ls.gamma");
  EXPECT_EQ(canonical("blocks.7.norm10.weight"), "");
}

TEST(CanonicalName, TakesChunksOfDINOv2) {
  EXPECT_EQ(canonical("blocks.0.5.norm1.weight"), "blocks.5.attns.0.norm.weight");
  EXPECT_EQ(canonical("blocks.3.39.ls2.gamma"), "blocks.39.ffns.0.ls.gamma");
  EXPECT_EQ(canonical("register_tokens"), "reg_token");
  EXPECT_EQ(canonical("linear_head.weight"), "head.weight");
}

TEST(CanonicalName, TakesBothKindsOfTorchvision) {
  for (const char* part : {"mlp.0.weight", "mlp.linear_1.weight"})
    EXPECT_EQ(canonical(std::string("encoder.layers.encoder_layer_4.") + part),
              "blocks.4.ffns.0.mlp.fc1.weight");
}

TEST(CanonicalName, TakesPrefixesOff) {
  for (const char* prefix :
       {"", "module.", "model.", "backbone.", "teacher.backbone.", "module.model.", "_orig_mod."})
    EXPECT_EQ(canonical(prefix + std::string("blocks.0.mlp.fc2.bias")),
              "blocks.0.ffns.0.mlp.fc2.bias");
  for (const char* prefix : {"", "vit.", "deit.", "dinov2.", "dinov2_with_registers."})
    EXPECT_EQ(canonical(prefix + std::string("encoder.layer.2.attention.attention.key.bias")),
              "blocks.2.attns.0.attn.k.bias");
}

TEST(CanonicalName, KnowsHeadsOfTransformers) {
  EXPECT_EQ(canonical("classifier.bias"), "head.bias");
  EXPECT_EQ(canonical("cls_classifier.bias"), "head.bias");
  EXPECT_EQ(canonical("distillation_classifier.bias"), "head_dist.bias");
  EXPECT_EQ(canonical("deit.embeddings.distillation_token"), "dist_token");
}

TEST(CanonicalName, LeavesTheRestAlone) {
  for (const char* name : {"", "blocks", "blocks..norm1.weight", "blocks.00.norm1.weight",
                           "blocks.123456.norm1.weight", "blocks.0.norm1.", "bert.pooler",
                           "encoder.layers.layer_.ln_1.weight"})
    EXPECT_EQ(canonical(name), "") << name;
}

TEST(HarmlessKind, KnowsWhatTrainingLeavesBehind) {
  for (const char* name :
       {"decoder_blocks.0.norm1.weight", "decoder.mask_token", "mask_token",
        "vit.embeddings.mask_token", "vit.pooler.dense.bias", "model_ema.norm.bias",
        "student.backbone.norm.bias", "patch_embed.proj.1.num_batches_tracked"}) {
    EXPECT_TRUE(harmless_kind(name)) << name;
    EXPECT_FALSE(canonical_name(name)) << name;
  }
  EXPECT_THAT(harmless_kind("ema.cls_token"),
              Optional(std::string("averaged copies of weights (EMA)")));
  EXPECT_FALSE(harmless_kind("cls_token"));
  EXPECT_FALSE(harmless_kind("blocks.0.junk"));
}

TEST(HarmlessKind, KnowsHeadsOfDinoFromThatOfSiglip) {
  for (const char* name :
       {"head.mlp.0.weight", "backbone.head.mlp.2.bias", "head.last_layer.weight_g",
        "head.last_layer2.weight_v", "head.mlp2.4.bias", "dino_head.last_layer.weight_v",
        "teacher.head.mlp.0.weight", "teacher.ibot_head.mlp.0.bias", "dino_loss.center"}) {
    EXPECT_THAT(harmless_kind(name), Optional(std::string("heads of self-supervised training")))
        << name;
  }
  EXPECT_FALSE(harmless_kind("vision_model.head.mlp.fc1.weight"));
  EXPECT_FALSE(harmless_kind("head.mlp.fc2.bias"));
  EXPECT_FALSE(harmless_kind("head.weight"));
}

TEST(FamilyOf, GoesByTheConfigThenByMarksThenByCounts) {
  const std::vector<std::string> bare = {"encoder.layer.0.attention.output.dense.weight"};
  EXPECT_EQ(&family_of(bare, {}), &kVit);
  EXPECT_EQ(&family_of(bare, {.model_type = "beit"}), &kBeit);
  EXPECT_EQ(&family_of(bare, {.model_type = "no_such_type"}), &kVit);
  const std::vector<std::string> marked = {bare[0], "encoder.layer.0.layer_scale1.lambda1"};
  EXPECT_EQ(&family_of(marked, {}), &kDinov2);
  EXPECT_EQ(&family_of(std::vector<std::string>{"visual.trunk.blocks.0.norm1.weight",
                                                "text.transformer.resblocks.0.ln_1.weight"},
                       ""),
            &kTimm);
}

}  // namespace
}  // namespace fovea
