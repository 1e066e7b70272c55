// Files of other models are named as what they are.
#include "fovea/model/look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/model/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

std::string told(const std::vector<std::string>& names) {
  Shapes shapes;
  for (const std::string& name : names) shapes[name] = {2};
  return error_of([&] { check_look(checkpoint_of(shapes)); });
}

TEST(CheckLook, NamesOtherModels) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"layers.0.blocks.0.attn.relative_position_bias_table", "patch_embed.proj.weight",
        "layers.0.blocks.0.norm1.weight"},
       "a Swin Transformer"},
      {{"features.1.0.attn.relative_position_bias_table"}, "a Swin Transformer"},
      {{"swinv2.encoder.layers.0.blocks.0.attention.self.continuous_position_bias_mlp.0.weight"},
       "a Swin Transformer"},
      {{"stages.0.blocks.0.conv_dw.weight"}, "a ConvNeXt"},
      {{"layer1.0.conv1.weight", "fc.weight"}, "a ResNet"},
      {{"resnet.encoder.stages.0.layers.0.shortcut.convolution.weight"}, "a ResNet"},
      {{"conv_stem.weight"}, "an EfficientNet or a MobileNet"},
      {{"bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.output.dense.weight"},
       "a text model"},
      {{"model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"}, "a text model"},
      {{"transformer.wte.weight"}, "a text model"},
      {{"base_model.model.vit.encoder.layer.0.attention.attention.query.lora_A.weight"},
       "an adapter (LoRA), which holds only what was changed of a model"},
      {{"base_model.model.x.ia3_l"},
       "an adapter (IA3), which holds only what was changed of a model"},
      {{"model.diffusion_model.input_blocks.0.0.weight"}, "a diffusion model"},
      {{"bbox_embed.layers.0.weight"}, "a DETR"}};
  for (const auto& [names, what] : cases) {
    EXPECT_THAT(told(names), HasSubstr(std::string(": its tensors look like those of ") + what +
                                       "; expected a Vision Transformer"));
  }
}

TEST(CheckLook, ListsSomeOfWhatItDoesNotKnow) {
  EXPECT_THAT(told({"d", "a", "c", "b\n"}),
              HasSubstr("no transformer blocks found under any known name; its 4 tensors are a, "));
  EXPECT_THAT(told({"d", "a", "c", "b"}), HasSubstr("a, b, c, ..."));
}

// What a Vision Transformer lacks is named by who looks for it.
TEST(CheckLook, LeavesVisionTransformersAlone) {
  EXPECT_EQ(told({"blocks.0.norm1.weight", "patch_embed.proj.weight", "token_embedding.weight"}),
            "");
  EXPECT_EQ(told({"blocks.0.norm1.weight"}), "");
  for (const std::string& name : golden_names("goldens-families")) {
    const Checkpoint checkpoint = Checkpoint::open(golden(name));
    EXPECT_EQ(error_of([&] { check_look(checkpoint); }), "") << name;
  }
}

}  // namespace
}  // namespace fovea
