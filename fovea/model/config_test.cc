#include "fovea/model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Config parse(const std::string& text) { return parse_config(text, "config.json"); }
std::string refusal(const std::string& text) {
  return error_of([&] { parse(text); });
}

TEST(ParseConfig, LeavesDefaultsWhereNothingIsSaid) {
  const Config config = parse("{}");
  EXPECT_EQ(config.architecture, "");
  EXPECT_FALSE(config.heads || config.depth || config.image_size || config.input_size ||
               config.pooling);
  EXPECT_EQ(config.layer_norm_eps, 1e-6);
  EXPECT_TRUE(config.labels.empty());
  EXPECT_EQ(config.preprocessing.crop_pct, 0.9);
  EXPECT_EQ(config.preprocessing.interpolation, Interpolation::bicubic);
}

TEST(ParseConfig, ReadsTimmsStyle) {
  const Config config = parse(R"({
    "architecture": "vit_small_patch16_224", "num_classes": 3, "global_pool": "avg",
    "model_args": {"num_heads": 6, "img_size": [224, 336]},
    "label_names": ["cat", "dog", "newt"],
    "pretrained_cfg": {"input_size": [3, 256, 384], "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.5, 1],
      "interpolation": "bilinear", "crop_pct": 0.95, "crop_mode": "squash"}})");
  EXPECT_EQ(config.architecture, "vit_small_patch16_224");
  EXPECT_EQ(config.heads, 6);
  EXPECT_EQ(config.pooling, Pooling::average);
  EXPECT_THAT(*config.image_size, ElementsAre(224, 336));
  EXPECT_THAT(*config.input_size, ElementsAre(256, 384));
  EXPECT_THAT(config.labels, ElementsAre("cat", "dog", "newt"));
  EXPECT_THAT(config.preprocessing.mean, ElementsAre(0.5F, 0.5F, 0.5F));
  EXPECT_THAT(config.preprocessing.std, ElementsAre(0.25F, 0.5F, 1.0F));
  EXPECT_EQ(config.preprocessing.interpolation, Interpolation::bilinear);
  EXPECT_EQ(config.preprocessing.crop_pct, 0.95);
  EXPECT_TRUE(config.preprocessing.squash);
}

TEST(ParseConfig, ReadsTransformersStyle) {
  const Config config =
      parse(R"({"model_type": "vit", "num_attention_heads": 12, "num_hidden_layers": 7,
    "image_size": 384, "layer_norm_eps": 1e-12, "hidden_act": "gelu", "id2label": {"1": "b", "0": "a"}})");
  EXPECT_EQ(config.architecture, "vit");
  EXPECT_EQ(config.heads, 12);
  EXPECT_EQ(config.depth, 7);
  EXPECT_THAT(*config.image_size, ElementsAre(384, 384));
  EXPECT_EQ(config.layer_norm_eps, 1e-12);
  EXPECT_THAT(config.labels, ElementsAre("a", "b"));
}

TEST(ParseConfig, RefusesByNameWhatIsNotComputed) {
  EXPECT_THAT(refusal(R"({"hidden_act": "quick_gelu"})"),
              HasSubstr("config.json: hidden_act is \"quick_gelu\"; expected gelu, the erf form"));
  EXPECT_THAT(refusal(R"({"model_args": {"act_layer": "relu"}})"),
              HasSubstr("model_args.act_layer is \"relu\""));
  EXPECT_THAT(refusal(R"({"use_swiglu_ffn": true})"), HasSubstr("use_swiglu_ffn is true"));
  EXPECT_THAT(refusal(R"({"architecture": "vit_base_patch16_rope_224"})"),
              HasSubstr("rope is not supported"));
  EXPECT_THAT(refusal(R"({"global_pool": "map"})"),
              HasSubstr("global_pool is \"map\"; expected token or avg"));
  EXPECT_THAT(
      refusal(R"({"pretrained_cfg": {"interpolation": "lanczos"}})"),
      HasSubstr("pretrained_cfg.interpolation is \"lanczos\"; expected bicubic or bilinear"));
}

TEST(ParseConfig, NamesKeysOfWrongTypesAndValues) {
  EXPECT_THAT(
      refusal(R"({"model_args": {"num_heads": 0}})"),
      HasSubstr("config.json: model_args.num_heads is 0; expected a whole number from 1 to 1024"));
  EXPECT_THAT(refusal(R"({"num_heads": 1.5})"), HasSubstr("num_heads is 1.5"));
  EXPECT_THAT(refusal(R"({"num_heads": 1e30})"), HasSubstr("num_heads is 1e+30"));
  EXPECT_THAT(refusal(R"({"architecture": 7})"), HasSubstr("architecture is 7; expected text"));
  EXPECT_THAT(refusal(R"({"model_args": []})"), HasSubstr("model_args is []; expected an object"));
  EXPECT_THAT(refusal(R"({"std": [0, 1, 1]})"),
              HasSubstr("std is [0,1,1]; expected three numbers"));
  EXPECT_THAT(refusal(R"({"mean": [1, 1]})"), HasSubstr("mean is [1,1]"));
  EXPECT_THAT(refusal(R"({"image_size": 0})"), HasSubstr("image_size is 0"));
  EXPECT_THAT(refusal(R"({"input_size": [1, 224, 224]})"), HasSubstr("input_size is [1,224,224]"));
  EXPECT_THAT(refusal(R"({"crop_pct": 1.5})"),
              HasSubstr("crop_pct is 1.5; expected a number from 0.05 to 1"));
  EXPECT_THAT(refusal(R"({"layer_norm_eps": "small"})"), HasSubstr("layer_norm_eps is \"small\""));
  EXPECT_THAT(refusal(R"({"id2label": {"0": "a", "2": "b"}})"), HasSubstr("id2label is"));
  EXPECT_THAT(refusal(R"({"label_names": [1]})"), HasSubstr("label_names is [1]"));
}

TEST(ParseConfig, NamesWhatIsNoJson) {
  EXPECT_THAT(refusal("{"), HasSubstr("config.json: not JSON"));
  EXPECT_THAT(refusal("[]"), HasSubstr("config.json: holds array; expected a JSON object"));
  EXPECT_THAT(refusal(std::string(100000, '[')), HasSubstr("nested deeper than 32 levels"));
  EXPECT_THAT(refusal("{\"architecture\": \"\xff\"}"), HasSubstr("not JSON"));
}

TEST(ParsePreprocessorConfig, TellsResizeWithCropFromSquash) {
  Config config;
  parse_preprocessor_config(
      R"({"image_mean": [0.5, 0.5, 0.5], "resample": 2, "size": {"height": 224, "width": 256}})",
      "p.json", config);
  EXPECT_TRUE(config.preprocessing.squash);
  EXPECT_THAT(*config.input_size, ElementsAre(224, 256));
  EXPECT_EQ(config.preprocessing.interpolation, Interpolation::bilinear);
  parse_preprocessor_config(
      R"({"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}})", "p.json",
      config);
  EXPECT_FALSE(config.preprocessing.squash);
  EXPECT_THAT(*config.input_size, ElementsAre(224, 224));
  EXPECT_EQ(config.preprocessing.crop_pct, 0.875);
  EXPECT_THAT(error_of([&] { parse_preprocessor_config(R"({"resample": 1})", "p.json", config); }),
              HasSubstr("p.json: resample is 1; expected 2 (bilinear) or 3 (bicubic)"));
}

TEST(ReadConfig, TakesDefaultsWhereThereIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_config(folder.path()).architecture, "");
  write_file(folder / "config.json", R"({"architecture": "vit"})");
  EXPECT_EQ(read_config(folder.path()).architecture, "vit");
}

}  // namespace
}  // namespace fovea
