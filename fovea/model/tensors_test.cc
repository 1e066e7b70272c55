#include "fovea/model/tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "fovea/model/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;

std::vector<std::string> names_of(const Architecture& a) {
  std::vector<std::string> names;
  for_each_tensor(a, [&](const ListedTensor& tensor) { names.push_back(tensor.name); });
  return names;
}

std::map<std::string, Start> starts_of(const Architecture& a) {
  std::map<std::string, Start> starts;
  for_each_tensor(a, [&](const ListedTensor& tensor) { starts[tensor.name] = tensor.start; });
  return starts;
}

Architecture small() {
  Architecture a = named_architecture("vit_tiny_patch16_32");
  a.depth = 1;
  return a;
}

TEST(ForEachTensor, TellsThemInTheOrderOfThePass) {
  std::vector<std::string> lines;
  for_each_tensor(small(), [&](const ListedTensor& tensor) {
    lines.push_back(tensor.name + " " + to_string(tensor.shape));
  });
  EXPECT_THAT(
      lines,
      ElementsAre(
          "patch_embed.proj.weight [192, 3, 16, 16]", "patch_embed.proj.bias [192]",
          "cls_token [1, 1, 192]", "pos_embed [1, 5, 192]", "blocks.0.attns.0.norm.weight [192]",
          "blocks.0.attns.0.norm.bias [192]", "blocks.0.attns.0.attn.qkv.weight [576, 192]",
          "blocks.0.attns.0.attn.qkv.bias [576]", "blocks.0.attns.0.attn.proj.weight [192, 192]",
          "blocks.0.attns.0.attn.proj.bias [192]", "blocks.0.ffns.0.norm.weight [192]",
          "blocks.0.ffns.0.norm.bias [192]", "blocks.0.ffns.0.mlp.fc1.weight [768, 192]",
          "blocks.0.ffns.0.mlp.fc1.bias [768]", "blocks.0.ffns.0.mlp.fc2.weight [192, 768]",
          "blocks.0.ffns.0.mlp.fc2.bias [192]", "norm.weight [192]", "norm.bias [192]",
          "head.weight [1000, 192]", "head.bias [1000]"));
}

// As many numbers as the file holds, whatever it calls them and however it parts them.
TEST(ForEachTensor, TellsWhatAFileHolds) {
  for (const char* name :
       {"vit", "parallel", "layerscale", "deit-distilled", "dinov2-registers", "blvit-every-second",
        "dinov2-giant-original", "dinov2-swiglu-hf", "siglip-timm", "clip-openai"}) {
    int64_t listed = 0;
    for_each_tensor(infer(name),
                    [&](const ListedTensor& tensor) { listed += elements(tensor.shape); });
    EXPECT_EQ(listed, infer(name).parameters) << name;
  }
}

TEST(ForEachTensor, TellsOfSharedOnesOnce) {
  Architecture a = small();
  a.depth = 3;
  a.block.rotation = Rotation{.kind = RotationKind::mixed};
  a.block.bias_rows = 12;
  a.block.shares_bias = true;
  const std::vector<std::string> names = names_of(a);
  EXPECT_EQ(std::count(names.begin(), names.end(), "rope.freqs"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "rel_pos_bias.table"), 1);
}

TEST(TensorsBeside, AreThoseOfOneAlone) {
  Architecture headless = small();
  headless.classes = 0;
  EXPECT_THAT(tensors_beside(small(), headless), ElementsAre("head.bias", "head.weight"));
  EXPECT_THAT(tensors_beside(headless, small()), testing::IsEmpty());
}

TEST(ForEachTensor, TellsHowTheyBegin) {
  Architecture a = small();
  a.block.scale_mlp = true;
  std::map<std::string, Start> starts = starts_of(a);
  EXPECT_EQ(starts.at("patch_embed.proj.weight"), Start::convolution);
  EXPECT_EQ(starts.at("pos_embed"), Start::normal);
  EXPECT_EQ(starts.at("blocks.0.attns.0.norm.weight"), Start::one);
  EXPECT_EQ(starts.at("blocks.0.attns.0.norm.bias"), Start::zero);
  EXPECT_EQ(starts.at("blocks.0.attns.0.attn.qkv.weight"), Start::normal);
  EXPECT_EQ(starts.at("blocks.0.attns.0.attn.qkv.bias"), Start::zero);
  EXPECT_EQ(starts.at("blocks.0.attns.0.attn.proj.weight"), Start::normal);
  EXPECT_EQ(starts.at("blocks.0.ffns.0.ls.gamma"), Start::scale);
  EXPECT_EQ(starts.at("head.bias"), Start::zero);

  starts = starts_of(stem_architectures().at(1));
  EXPECT_EQ(starts.at("patch_embed.proj.0.weight"), Start::convolution);
  EXPECT_EQ(starts.at("patch_embed.proj.0.bias"), Start::zero);
  EXPECT_EQ(starts.at("patch_embed.proj.1.weight"), Start::one);
  EXPECT_EQ(starts.at("patch_embed.proj.1.running_mean"), Start::zero);
  EXPECT_EQ(starts.at("patch_embed.proj.1.running_var"), Start::one);

  starts = starts_of(named_architecture("blvit_base_tiny_patch16_224"));
  EXPECT_EQ(starts.at("predictors.0.weight"), Start::normal);
  EXPECT_EQ(starts.at("blocks.1.alpha_attn"), Start::zero);
  EXPECT_EQ(starts.at("blocks.1.alpha_mlp"), Start::zero);
  EXPECT_EQ(starts.at("blocks.1.gamma"), Start::one);
  EXPECT_EQ(starts.at("blocks.1.attns.0.attn.proj.weight"), Start::normal);
  EXPECT_EQ(starts.at("blocks.1.little.attn.qkv.weight"), Start::normal);
  EXPECT_EQ(starts.at("blocks.1.little.attn.proj.weight"), Start::joining);
  EXPECT_EQ(starts.at("blocks.1.little.mlp.down.weight"), Start::normal);
  EXPECT_EQ(starts.at("blocks.1.little.mlp.up.weight"), Start::joining);
}

}  // namespace
}  // namespace fovea
