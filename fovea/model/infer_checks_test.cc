// Whatever a config contradicts the tensors in is named, and so is what a family's files always
// have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "fovea/model/location.h"
#include "fovea/model/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

std::string error_with(const std::string& golden_name, const std::function<void(Config&)>& change) {
  Config config = config_of(golden_name);
  change(config);
  return error_of([&] { infer_architecture(Checkpoint::open(golden(golden_name)), config); });
}
// The same of a golden without a tensor.
std::string error_without(const std::string& golden_name, const std::string& tensor) {
  Shapes shapes = shapes_of(golden_name);
  EXPECT_EQ(shapes.erase(tensor), 1) << tensor;
  return error_of([&] { infer(shapes, config_of(golden_name)); });
}

TEST(CheckConfig, FindsNothingInTheGoldens) {
  for (const char* collection : {"goldens", "goldens-families", "goldens-video", "goldens-audio"}) {
    for (const std::string& name : golden_names(collection))
      EXPECT_EQ(error_with(name, [](Config&) {}), "") << name;
  }
}

TEST(CheckConfig, NamesExtentsThatAreOthers) {
  for (const char* name : {"clip-hf", "siglip-hf", "dinov2-hf-larger", "dinov3-hf", "beit-hf",
                           "vit-mae-hf", "clip-timm", "eva02-tiny-timm"}) {
    SCOPED_TRACE(name);
    EXPECT_THAT(error_with(name, [](Config& c) { c.width = 96; }),
                HasSubstr(": 48 channels found; config.json says 96"));
    EXPECT_THAT(error_with(name, [](Config& c) { c.mlp_width = 99; }),
                HasSubstr(" channels in MLPs found; config.json says 99"));
    EXPECT_THAT(error_with(name, [](Config& c) { c.registers = 7; }),
                HasSubstr(" registers found; config.json says 7"));
    EXPECT_THAT(error_with(name, [](Config& c) { c.channels = 1; }),
                HasSubstr("3 channels of pictures found; config.json says 1"));
  }
  EXPECT_THAT(error_with("clip-hf", [](Config& c) { c.qkv_bias = false; }),
              HasSubstr("biases of queries, keys and values, but config.json gives qkv_bias as "
                        "false; expected the same"));
  EXPECT_THAT(error_with("timm-qk-norm", [](Config& c) { c.qkv_bias = true; }),
              HasSubstr("no biases of queries, keys and values"));
}

TEST(CheckConfig, NamesImageSizesThatAreOthers) {
  const auto larger = [](Config& c) { c.image_size = Grid(72, 80); };
  EXPECT_THAT(error_with("clip-hf", larger),
              HasSubstr("tensor vision_model.embeddings.position_embedding.weight has 65 rows; "
                        "config.json says an image size of 72 x 80 pixels, which are 9 x 10 "
                        "patches, beside 1 prefix token"));
  EXPECT_THAT(error_with("siglip-timm", larger), HasSubstr("tensor pos_embed has 64 rows"));
  for (const char* name : {"beit-hf", "beit-timm"}) {
    EXPECT_THAT(error_with(name, larger),
                HasSubstr("tables of relative positions are of 8 x 8 patches; config.json says"));
  }
  EXPECT_EQ(error_with("dinov3-hf", larger), "") << "it has no table";
}

TEST(CheckConfig, IsReadFromTheKeysOfEachLibrary) {
  const Config hf = parse_config(
      R"({"vision_config": {"hidden_size": 8, "intermediate_size": 9, "num_channels": 1,
          "num_register_tokens": 4, "qkv_bias": false}})",
      "config.json");
  EXPECT_EQ(hf.width, 8);
  EXPECT_EQ(hf.mlp_width, 9);
  EXPECT_EQ(hf.channels, 1);
  EXPECT_EQ(hf.registers, 4);
  EXPECT_EQ(hf.qkv_bias, false);
  const Config timm = parse_config(
      R"({"architecture": "x", "model_args": {"embed_dim": 8, "in_chans": 1, "reg_tokens": 4,
          "qkv_bias": true}})",
      "config.json");
  EXPECT_EQ(timm.width, 8);
  EXPECT_EQ(timm.channels, 1);
  EXPECT_EQ(timm.registers, 4);
  EXPECT_EQ(timm.qkv_bias, true);
}

// Without them they would be other models, of which nothing told.
TEST(InferArchitecture, MissesWhatAFamilyAlwaysHas) {
  for (const auto& [name, tensor] : std::vector<std::pair<std::string, std::string>>{
           {"dinov3-hf", "embeddings.cls_token"},
           {"dinov3-timm", "cls_token"},
           {"beit-hf", "beit.embeddings.cls_token"},
           {"beit-timm", "cls_token"},
           {"clip-hf", "vision_model.embeddings.class_embedding"},
           {"vit-mae-hf", "vit.embeddings.cls_token"},
           {"eva02-tiny-timm", "pos_embed"},
           {"pe-core-timm", "pos_embed"}}) {
    const std::string last = tensor.substr(tensor.rfind('.') + 1);
    EXPECT_THAT(error_without(name, tensor), HasSubstr(last + " is missing")) << name;
  }
}

}  // namespace
}  // namespace fovea
