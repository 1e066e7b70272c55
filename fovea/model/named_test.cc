#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/testing.h"
#include "fovea/model/architecture.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(NamedArchitecture, HasTheParametersOfItsPaper) {
  EXPECT_EQ(named_architecture("vit_small_patch16_224").parameters, 22'050'664);
  EXPECT_EQ(named_architecture("deit_tiny_patch16_224").parameters, 5'717'416);
  EXPECT_EQ(named_architecture("vit_base_patch16_224").parameters, 86'567'656);
  EXPECT_EQ(named_architecture("vit_large_patch16_224").parameters, 304'326'632);
  EXPECT_EQ(named_architecture("vit_huge_patch14_224").parameters, 632'045'800);
}

TEST(NamedArchitecture, IsAPlainViT) {
  const Architecture a = named_architecture("vit_base_patch32_224x384");
  EXPECT_EQ(a.name, "vit_base_patch32_224x384");
  EXPECT_EQ(a.width, 768);
  EXPECT_EQ(a.depth, 12);
  EXPECT_EQ(a.block.heads, 12);
  EXPECT_EQ(a.block.mlp_width, 3072);
  EXPECT_EQ(a.classes, 1000);
  EXPECT_EQ(a.position_rows, 7 * 12 + 1);
  EXPECT_EQ(a.prefix(), 1);
  EXPECT_TRUE(a.final_norm);
  EXPECT_EQ(a.patch, Grid(32, 32));
  EXPECT_EQ(made_for(a), Grid(224, 384));
  EXPECT_EQ(named_architecture("vit_large_patch14_518").block.heads, 16);
  EXPECT_EQ(named_architecture("vit_huge_patch14_224").depth, 32);
}

TEST(NamedArchitecture, KnowsTheBigLittleViTsOfThePaper) {
  const Architecture base = named_architecture("blvit_base_tiny_patch16_224");
  EXPECT_EQ(base.width, 768);
  EXPECT_EQ(base.depth, 12);
  ASSERT_TRUE(base.routing);
  EXPECT_EQ(base.routing->first_big, 1);
  EXPECT_EQ(base.routing->little_width, 192);
  EXPECT_EQ(base.routing->little_heads, 3);
  EXPECT_EQ(base.routing->little_mlp_width, 768);
  EXPECT_THAT(base.routing->predict_after, ElementsAre(1, 4, 7, 10));
  const Architecture huge = named_architecture("blvit_huge_base_patch14_224");
  EXPECT_EQ(huge.width, 1280);
  EXPECT_EQ(huge.plain_layers(), 9);
  EXPECT_EQ(huge.routing->little_heads, 12);
  EXPECT_THAT(huge.routing->predict_after, ElementsAre(9, 16, 24));
  int little = 0;
  for (int layer = 0; layer < huge.depth; ++layer) little += huge.routing->has_little(layer);
  EXPECT_EQ(little, 12);
}

TEST(NamedArchitecture, SaysWhatIsPossible) {
  for (const char* name :
       {"resnet50", "", "vit_", "vit_giant_patch16_224", "vit_small", "vit_small_patch12_224",
        "vit_small_patch16", "vit_small_patch16_", "vit_small_patch16_225", "vit_small_patch16_0",
        "vit_small_patch16_-224", "vit_small_patch16_224x", "vit_small_patch16_224x8",
        "vit_small_patch16_224.in21k", "vit_small_patch16_99999999999", "vit_small_patch-16_224",
        "blvit_base_patch16_224", "vit_base_tiny_patch16_224"}) {
    EXPECT_THAT(error_of([&] { named_architecture(name); }),
                AllOf(HasSubstr(std::string(name) + ": "), HasSubstr("tiny|small|base|large|huge"),
                      HasSubstr("patch(8|14|16|32)"), HasSubstr("vit_small_patch16_224")))
        << name;
  }
  EXPECT_THAT(error_of([] { named_architecture("vit_small_patch16_225"); }),
              HasSubstr("image size is no multiple of 16"));
}

}  // namespace
}  // namespace fovea
