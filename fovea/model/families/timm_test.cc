#include <gtest/gtest.h>

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

Traits traits_of(const char* architecture) {
  Config config;
  config.architecture = architecture;
  return kTimm.traits(config);
}

TEST(TimmTraits, TellHeadsThatTheWidthDoesNot) {
  EXPECT_EQ(traits_of("test_vit").heads, 2);
  EXPECT_EQ(traits_of("test_vit2.r160_in1k").heads, 2);
  EXPECT_EQ(traits_of("test_vit3").heads, 3);
  EXPECT_EQ(traits_of("vit_base_patch16_gap_224").heads, 16);
  EXPECT_EQ(traits_of("vit_giantopt_patch16_siglip_gap_256").heads, 16);
  EXPECT_EQ(traits_of("vit_huge_plus_patch16_dinov3.lvd1689m").heads, 20);
  EXPECT_EQ(traits_of("aimv2_large_patch14_224").heads, 8);
  EXPECT_EQ(traits_of("vit_base_patch16_224").heads, 0);
  EXPECT_EQ(traits_of("my_test_vit").heads, 0);
}

TEST(TimmTraits, TellActivations) {
  for (const char* name :
       {"vit_so400m_patch16_siglip_gap_256", "vit_giantopt_patch16_siglip_gap_384.v2_webli",
        "vit_large_patch16_siglip_gap_512", "vit_base_patch32_siglip_gap_256"}) {
    EXPECT_EQ(traits_of(name).activation, Activation::gelu_tanh) << name;
  }
  // Of version 1, with the erf form.
  for (const char* name : {"vit_so400m_patch14_siglip_gap_224", "vit_base_patch16_siglip_gap_224",
                           "vit_base_patch16_clip_224", "deit_small_distilled_patch16_224", ""}) {
    EXPECT_EQ(traits_of(name).activation, Activation::gelu) << name;
  }
  EXPECT_EQ(traits_of("vit_large_patch14_clip_quickgelu_336.openai").activation,
            Activation::quick_gelu);
}

TEST(TimmTraits, TellEps) {
  for (const char* name : {"vit_base_patch16_clip_224", "vit_small_patch16_dinov3",
                           "vit_pe_core_base_patch16_224", "aimv2_large_patch14_224"}) {
    EXPECT_EQ(traits_of(name).eps, 1e-5) << name;
  }
  for (const char* name : {"vit_base_patch16_224", "eva02_base_patch16_clip_224", "test_vit4"}) {
    EXPECT_EQ(traits_of(name).eps, 1e-6) << name;
  }
}

void expect_cat(const char* name, double theta, bool x_first, double offset, double reference) {
  const Rotation rotation = traits_of(name).rotation.value_or(Rotation{RotationKind::mixed});
  EXPECT_EQ(rotation.kind, RotationKind::cat) << name;
  EXPECT_EQ(rotation.theta, theta) << name;
  EXPECT_EQ(rotation.x_first, x_first) << name;
  EXPECT_EQ(rotation.offset, offset) << name;
  EXPECT_EQ(rotation.reference[0], reference) << name;
  EXPECT_EQ(rotation.reference[1], reference) << name;
}

TEST(TimmTraits, TellRotaryPositions) {
  expect_cat("eva02_base_patch14_224", 10000, false, 0, 16);
  expect_cat("vit_betwixt_patch16_rope_reg4_gap_256", 10000, false, 0, 16);
  expect_cat("vit_small_patch16_rope_ape_224", 100, true, 0, 0);
  expect_cat("vit_pe_core_large_patch14_336", 10000, true, 1, 24);
  EXPECT_EQ(traits_of("vit_small_patch16_rope_mixed_224").rotation->kind, RotationKind::mixed);
  EXPECT_EQ(traits_of("vit_base_patch16_dinov3").rotation->kind, RotationKind::dinov3);
  EXPECT_FALSE(traits_of("eva02_enormous_patch14_clip_224").rotation);
  EXPECT_FALSE(traits_of("eva_large_patch14_196").rotation);
}

TEST(TimmTraits, TellWhereNormsStand) {
  EXPECT_TRUE(traits_of("vit_base_patch16_rpn_224.sw_in1k").post_norm);
  EXPECT_TRUE(traits_of("eva02_enormous_patch14_clip_224").post_norm);
  EXPECT_FALSE(traits_of("eva02_base_patch14_224").post_norm);
  EXPECT_EQ(traits_of("vit_base_patch16_rpn_224.sw_in1k").unsupported, "");
}

TEST(TimmTraits, TellWhatIsNotComputed) {
  EXPECT_EQ(traits_of("vit_base_patch16_xp_224").unsupported, "a parallel scaling block");
  EXPECT_EQ(traits_of("vit_dpwee_patch16_reg1_gap_256").unsupported, "differential attention");
  EXPECT_EQ(traits_of("vit_base_r50_s16_224").unsupported, "a stem of ResNet");
  EXPECT_EQ(traits_of("vit_relpos_base_patch32_plus_rpn_256.sw_in1k").unsupported,
            "this kind of relative positions");
  EXPECT_EQ(traits_of("vit_base_patch16_224").unsupported, "");
}

}  // namespace
}  // namespace fovea
