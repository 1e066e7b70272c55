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
  EXPECT_EQ(a.heads, 12);
  EXPECT_EQ(a.mlp_width, 3072);
  EXPECT_EQ(a.classes, 1000);
  EXPECT_EQ(a.position_rows, 7 * 12 + 1);
  EXPECT_EQ(a.prefix(), 1);
  EXPECT_TRUE(a.final_norm);
  EXPECT_THAT(a.patch, ElementsAre(32, 32));
  EXPECT_THAT(made_for(a), ElementsAre(224, 384));
  EXPECT_EQ(named_architecture("vit_large_patch14_518").heads, 16);
  EXPECT_EQ(named_architecture("vit_huge_patch14_224").depth, 32);
}

TEST(NamedArchitecture, SaysWhatIsPossible) {
  for (const char* name :
       {"resnet50", "", "vit_", "vit_giant_patch16_224", "vit_small", "vit_small_patch12_224",
        "vit_small_patch16", "vit_small_patch16_", "vit_small_patch16_225", "vit_small_patch16_0",
        "vit_small_patch16_-224", "vit_small_patch16_224x", "vit_small_patch16_224x8",
        "vit_small_patch16_224.in21k", "vit_small_patch16_99999999999", "vit_small_patch-16_224"}) {
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
