#include "fovea/model/published.h"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(Published, TellsHeadsThatTheWidthDoesNot) {
  EXPECT_EQ(published_as("test_vit").heads, 2);
  EXPECT_EQ(published_as("test_vit2.r160_in1k").heads, 2);
  EXPECT_EQ(published_as("test_vit3").heads, 3);
  EXPECT_EQ(published_as("vit_base_patch16_gap_224").heads, 16);
  EXPECT_EQ(published_as("vit_giantopt_patch16_siglip_gap_256").heads, 16);
  EXPECT_EQ(published_as("vit_base_patch16_224").heads, 0);
  EXPECT_EQ(published_as("my_test_vit").heads, 0);
}

TEST(Published, TellsWhatIsNotComputed) {
  for (const char* name :
       {"vit_so400m_patch16_siglip_gap_256", "vit_giantopt_patch16_siglip_gap_384.v2_webli",
        "vit_large_patch16_siglip_gap_512", "vit_base_patch32_siglip_gap_256"}) {
    EXPECT_EQ(published_as(name).unsupported, "the tanh form of GELU") << name;
  }
  EXPECT_EQ(published_as("vit_base_patch16_rpn_224.sw_in1k").unsupported,
            "a norm behind attention and MLP (rpn)");
  EXPECT_EQ(published_as("vit_base_patch16_xp_224").unsupported, "a parallel scaling block");
  EXPECT_EQ(published_as("eva02_base").unsupported, "eva");
  // Of version 1, with the erf form.
  for (const char* name : {"vit_so400m_patch14_siglip_gap_224", "vit_base_patch16_siglip_gap_224",
                           "vit_base_patch16_224", "deit_small_distilled_patch16_224", ""}) {
    EXPECT_EQ(published_as(name).unsupported, "") << name;
  }
}

}  // namespace
}  // namespace fovea
