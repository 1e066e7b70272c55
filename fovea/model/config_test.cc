#include "fovea/model/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/model/testing.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::StartsWith;

Config parse(const std::string& text) { return parse_config(text, "config.json"); }
std::string error_in(const std::string& text) {
  return error_of([&] { parse(text); });
}

TEST(ParseConfig, HasDefaults) {
  const Config config = parse("{}");
  EXPECT_EQ(config.architecture, "");
  EXPECT_FALSE(config.heads || config.depth || config.image_size || config.input_size ||
               config.pooling);
  EXPECT_FALSE(config.layer_norm_eps || config.activation || config.rope_theta);
  EXPECT_TRUE(config.position_embedding);
  EXPECT_TRUE(config.final_norm);
  EXPECT_EQ(config.preprocessing.crop_pct, 0.9);
  EXPECT_EQ(config.preprocessing.interpolation, Interpolation::bicubic);
}

TEST(ParseConfig, ReadsRouting) {
  const Config config = parse(R"({"model_args": {"little_num_heads": 3, "first_big": 2,
      "little_every": 4, "predict_after": [2, 5], "keep_ratio": 0.5}})");
  EXPECT_THAT(config.little_heads, Optional(3));
  EXPECT_THAT(config.first_big, Optional(2));
  EXPECT_THAT(config.little_every, Optional(4));
  EXPECT_THAT(config.predict_after, ElementsAre(2, 5));
  EXPECT_EQ(config.keep_ratio, 0.5);
  EXPECT_EQ(parse("{}").keep_ratio, 0.25);
  EXPECT_THAT(parse("{}").predict_after, IsEmpty());
}

TEST(ParseConfig, NamesRoutingThatDoesNotFit) {
  for (const char* layers :
       {"[]", "[0, 1]", "[3, 2]", "[1, 1]", "[1.5]", "\"1\"", "3", "[99999]"}) {
    EXPECT_THAT(error_in(fmt::format(R"({{"model_args": {{"predict_after": {}}}}})", layers)),
                AllOf(HasSubstr("model_args.predict_after is "), HasSubstr("a list of layers")));
  }
  for (const char* ratio : {"0", "1.5", "-1", "\"x\""}) {
    EXPECT_THAT(error_in(fmt::format(R"({{"model_args": {{"keep_ratio": {}}}}})", ratio)),
                HasSubstr("model_args.keep_ratio is "));
  }
  for (const char* key : {"little_num_heads", "first_big", "little_every"}) {
    EXPECT_THAT(error_in(fmt::format(R"({{"model_args": {{"{}": 0}}}})", key)), HasSubstr(key));
  }
}

TEST(ParseConfig, ReadsTimm) {
  const Config config = parse(R"({"architecture": "vit_small_patch14", "num_classes": 2,
      "global_pool": "avg", "model_args": {"num_heads": 6, "img_size": 518, "act_layer": "gelu"},
      "pretrained_cfg": {"input_size": [3, 224, 196], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.1, 1],
      "interpolation": "bilinear", "crop_pct": 0.875, "crop_mode": "squash",
      "label_names": ["a", "b"]}})");
  EXPECT_EQ(config.architecture, "vit_small_patch14");
  EXPECT_THAT(config.heads, Optional(6));
  EXPECT_EQ(config.image_size, Grid(518, 518));
  EXPECT_EQ(config.input_size, Grid(224, 196));
  EXPECT_THAT(config.pooling, Optional(Pooling::average));
  EXPECT_THAT(config.labels, ElementsAre("a", "b"));
  const Preprocessing& p = config.preprocessing;
  EXPECT_THAT(p.mean, ElementsAre(FloatEq(0.5), FloatEq(0.4), FloatEq(0.3)));
  EXPECT_THAT(p.std, ElementsAre(FloatEq(0.2), FloatEq(0.1), FloatEq(1)));
  EXPECT_EQ(p.interpolation, Interpolation::bilinear);
  EXPECT_EQ(p.crop_pct, 0.875);
  EXPECT_EQ(p.fit, Fit::squash);
}

TEST(ParseConfig, TakesWhatTimmTakesWhereItIsSilent) {
  EXPECT_EQ(parse(R"({"pretrained_cfg": {"input_size": [3, 32, 32]}})").preprocessing.crop_pct,
            0.875);
  EXPECT_EQ(parse(R"({"mean": [0.5, 0.5, 0.5]})").preprocessing.crop_pct, 0.875);
  EXPECT_FALSE(parse(R"({"pretrained_cfg": {"num_classes": 3}})").preprocessing.assumed);
  EXPECT_TRUE(parse(R"({"hidden_size": 64})").preprocessing.assumed);
  EXPECT_THAT(parse(R"({"pretrained_cfg": {"mean": [0.5]}})").preprocessing.mean,
              ElementsAre(0.5, 0.5, 0.5));
}

TEST(ParseConfig, ReadsPretrainedKeysAtTheTop) {
  const Config config = parse(R"({"input_size": [3, 32, 32], "crop_pct": 1.0, "global_pool": "",
      "label_names": ["x"], "std": [1, 1, 1]})");
  EXPECT_EQ(config.input_size, Grid(32, 32));
  EXPECT_EQ(config.preprocessing.crop_pct, 1);
  EXPECT_THAT(config.preprocessing.std, ElementsAre(1, 1, 1));
  EXPECT_FALSE(config.pooling);
  EXPECT_THAT(config.labels, ElementsAre("x"));
}

TEST(ParseConfig, ReadsTransformers) {
  const Config config = parse(R"({"model_type": "vit", "num_attention_heads": 12,
      "num_hidden_layers": 24, "image_size": [224, 384], "layer_norm_eps": 1e-12,
      "hidden_act": "gelu", "use_swiglu_ffn": false,
      "id2label": {"10": "k", "0": "a", "1": "b", "2": "c", "3": "d", "4": "e", "5": "f", "6": "g",
                   "7": "h", "8": "i", "9": "j"}})");
  EXPECT_EQ(config.architecture, "vit");
  EXPECT_THAT(config.heads, Optional(12));
  EXPECT_THAT(config.depth, Optional(24));
  EXPECT_EQ(config.image_size, Grid(224, 384));
  EXPECT_THAT(config.layer_norm_eps, Optional(1e-12));
  EXPECT_THAT(config.labels, ElementsAre("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"));
}

TEST(ParseConfig, ReadsLabelsAsTimmHasThem) {
  const Config config = parse(R"({"label_names": {"3": "d", "0": "a"},
      "label_descriptions": {"a": "the first", "z": "none of them"}})");
  EXPECT_THAT(config.labels, ElementsAre("a", "", "", "d"));
  EXPECT_EQ(config.label_descriptions.at("a"), "the first");
  EXPECT_EQ(
      parse(R"({"pretrained_cfg": {"label_descriptions": {"a": "b"}}})").label_descriptions.at("a"),
      "b");
  EXPECT_THAT(error_in(R"({"label_names": {"10000000": "a"}})"), HasSubstr("label_names is"));
  EXPECT_THAT(error_in(R"({"label_descriptions": ["a"]})"),
              HasSubstr("label_descriptions is [\"a\"]; expected an object of texts"));
}

TEST(ParseConfig, ReadsTheProblemType) {
  EXPECT_EQ(parse("{}").problem_type, ProblemType::single_label);
  EXPECT_EQ(parse(R"({"problem_type": null})").problem_type, ProblemType::single_label);
  EXPECT_EQ(parse(R"({"problem_type": "multi_label_classification"})").problem_type,
            ProblemType::multi_label);
  EXPECT_EQ(parse(R"({"problem_type": "regression"})").problem_type, ProblemType::regression);
  EXPECT_THAT(error_in(R"({"problem_type": "sorting"})"),
              HasSubstr("problem_type is \"sorting\"; expected single_label_classification, "));
}

TEST(ParseConfig, ReadsThePatchSize) {
  EXPECT_EQ(parse(R"({"patch_size": 14})").patch_size, Grid(14, 14));
  EXPECT_EQ(parse(R"({"model_args": {"patch_size": [8, 4]}})").patch_size, Grid(8, 4));
  EXPECT_THAT(error_in(R"({"patch_size": 0})"), HasSubstr("patch_size is 0; expected a side"));
  EXPECT_THAT(error_in(R"({"model_args": {"patch_size": "16"}})"),
              HasSubstr("model_args.patch_size is \"16\""));
}

TEST(ParseConfig, ReadsTheGoldens) {
  for (const std::string& model : golden_names())
    EXPECT_TRUE(read_config(golden(model)).heads) << model;
}

TEST(ParseConfig, NamesTheKeyOfAWrongValue) {
  EXPECT_EQ(error_in(R"({"model_args": {"num_heads": 0}})"),
            "config.json: model_args.num_heads is 0; expected a whole number from 1 to 1024");
  const std::pair<const char*, const char*> cases[] = {
      {R"({"num_attention_heads": "12"})",
       "num_attention_heads is \"12\"; expected a whole number"},
      {R"({"num_attention_heads": 1.5})", "num_attention_heads is 1.5"},
      {R"({"num_attention_heads": -3})", "num_attention_heads is -3"},
      {R"({"num_attention_heads": 18446744073709551615})", "is 18446744073709551615"},
      {R"({"num_hidden_layers": 1e9})", "num_hidden_layers is 1000000000.0"},
      {R"({"image_size": 0})", "image_size is 0; expected a side"},
      {R"({"image_size": 8193})", "image_size is 8193"},
      {R"({"image_size": [1, 2, 3, 4]})", "image_size is [1,2,3,4]"},
      {R"({"pretrained_cfg": {"input_size": [1, 28, 28]}})",
       "pretrained_cfg.input_size is [1,28,28]"},
      {R"({"pretrained_cfg": {"std": [0.2, 0, 0.2]}})",
       "pretrained_cfg.std is [0.2,0,0.2]; expected three numbers"},
      {R"({"pretrained_cfg": {"mean": [0.2, 0.2]}})", "pretrained_cfg.mean is [0.2,0.2]"},
      {R"({"pretrained_cfg": {"mean": [0, 0, "x"]}})", "pretrained_cfg.mean is"},
      {R"({"pretrained_cfg": {"crop_pct": 0}})",
       "pretrained_cfg.crop_pct is 0; expected a number from"},
      {R"({"pretrained_cfg": {"crop_pct": 1e999}})", "not JSON"},
      {R"({"pretrained_cfg": []})", "pretrained_cfg is []; expected an object"},
      {R"({"layer_norm_eps": -1})", "layer_norm_eps is -1"},
      {R"({"label_names": {"a": 1}})", "label_names is {\"a\":1}; expected a list of texts"},
      {R"({"label_names": ["a", 1]})", "label_names is"},
      {R"({"id2label": {"0": "a", "2": "b"}})", "id2label is"},
      {R"({"id2label": {"0": 5}})", "id2label is"},
      {R"({"architecture": 7})", "architecture is 7; expected text"},
      {R"({"use_swiglu_ffn": "no"})", "use_swiglu_ffn is \"no\"; expected true or false"}};
  for (const auto& [text, fragment] : cases) {
    EXPECT_THAT(error_in(text), AllOf(StartsWith("config.json: "), HasSubstr(fragment)));
  }
}

TEST(ParseConfig, RefusesByNameWhatIsNotComputed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"hidden_act": "mish"})", "hidden_act is \"mish\"; expected gelu, gelu_tanh, "},
      {R"({"model_args": {"act_layer": "mish"}})", "model_args.act_layer is \"mish\""},
      {R"({"model_args": {"norm_layer": "groupnorm"}})", "model_args.norm_layer is \"groupnorm\""},
      {R"({"model_args": {"use_rope": true}})", "model_args.use_rope is true"},
      {R"({"global_pool": "max"})", "global_pool is \"max\"; expected token, avg, map or prefix"},
      {R"({"architecture": "vit_base_patch16_xp_224"})",
       "expected a plain ViT; a parallel scaling block is not supported"},
      {R"({"interpolation": "nearest"})", "interpolation is \"nearest\""},
      {R"({"pretrained_cfg": {"crop_mode": "border"}})", "pretrained_cfg.crop_mode is \"border\""}};
  for (const auto& [text, fragment] : cases) EXPECT_THAT(error_in(text), HasSubstr(fragment));
}

TEST(ParseConfig, ReadsActivations) {
  const std::pair<const char*, Activation> cases[] = {{"gelu", Activation::gelu},
                                                      {"gelu_new", Activation::gelu_tanh},
                                                      {"gelu_pytorch_tanh", Activation::gelu_tanh},
                                                      {"quick_gelu", Activation::quick_gelu},
                                                      {"silu", Activation::silu},
                                                      {"relu", Activation::relu}};
  for (const auto& [name, activation] : cases) {
    EXPECT_THAT(parse(fmt::format(R"({{"hidden_act": "{}"}})", name)).activation,
                Optional(activation));
  }
}

TEST(ParseConfig, ReadsTheImageTowerOfTwo) {
  const Config config = parse(R"({"model_type": "clip", "projection_dim": 512, "text_config":
      {"num_attention_heads": 3}, "vision_config": {"model_type": "clip_vision_model",
      "hidden_act": "gelu", "num_attention_heads": 16, "image_size": 336}})");
  EXPECT_EQ(config.architecture, "clip_vision_model");
  EXPECT_THAT(config.heads, Optional(16));
  EXPECT_THAT(config.activation, Optional(Activation::gelu));
  EXPECT_EQ(config.image_size, Grid(336, 336));
  EXPECT_EQ(parse(R"({"model_type": "siglip", "vision_config": {"patch_size": 14}})").architecture,
            "siglip");
}

TEST(ParseOpenClipConfig, ReadsTowerAndPictures) {
  const auto open_clip = [](const std::string& text) {
    return parse_open_clip_config(text, "open_clip_config.json");
  };
  const Config config = open_clip(R"({"model_cfg": {"embed_dim": 512, "quick_gelu": true,
      "vision_cfg": {"image_size": 240, "layers": 12, "width": 896, "head_width": 56,
      "patch_size": 16}}, "preprocess_cfg": {"mean": [0.4, 0.5, 0.6]}})");
  EXPECT_THAT(config.head_width, Optional(56));
  EXPECT_THAT(config.depth, Optional(12));
  EXPECT_THAT(config.activation, Optional(Activation::quick_gelu));
  EXPECT_EQ(config.image_size, Grid(240, 240));
  EXPECT_THAT(config.preprocessing.mean, ElementsAre(FloatEq(0.4), FloatEq(0.5), FloatEq(0.6)));
  EXPECT_EQ(config.preprocessing.crop_pct, 1);
  const Config timm = open_clip(
      R"({"model_cfg": {"vision_cfg": {"timm_model_name": "vit_base_patch16_siglip_224"}}})");
  EXPECT_EQ(timm.architecture, "vit_base_patch16_siglip_224");
  EXPECT_FALSE(timm.activation || timm.head_width);
}

TEST(ParseConfig, TakesPartsAwayOnlyWhenToldTo) {
  const Config config = parse(R"({"model_args": {"pos_embed": "none", "final_norm": false}})");
  EXPECT_FALSE(config.position_embedding);
  EXPECT_FALSE(config.final_norm);
  EXPECT_THAT(error_in(R"({"model_args": {"pos_embed": "sincos"}})"),
              HasSubstr("expected learn or none"));
}

TEST(ParseConfig, SurvivesWhatIsNoConfig) {
  EXPECT_THAT(error_in(""), StartsWith("config.json: not JSON: parse error"));
  EXPECT_THAT(error_in("{"), HasSubstr("not JSON"));
  EXPECT_THAT(error_in("[1]"), HasSubstr("holds array; expected a JSON object"));
  EXPECT_THAT(error_in("{\"architecture\": \"\xff\xfe\"}"), HasSubstr("not JSON"));
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  EXPECT_THAT(error_in(R"({"a": )" + deep + "}"), HasSubstr("nested deeper than 32 levels"));
  const std::string huge = R"({"hidden_act": ")" + std::string(100000, 'x') + R"(\n"})";
  EXPECT_LT(error_in(huge).size(), 400U);
}

TEST(ReadConfig, LaysThePreprocessorOverTheConfig) {
  const TemporaryFolder folder;
  EXPECT_THAT(read_config(folder.path()).labels, IsEmpty());
  write_file(folder / "config.json", R"({"image_size": 224, "layer_norm_eps": 1e-5})");
  write_file(folder / "preprocessor_config.json", R"({"size": 384})");
  const Config config = read_config(folder.path());
  EXPECT_THAT(config.layer_norm_eps, testing::Optional(1e-5));
  EXPECT_EQ(config.image_size, Grid(224, 224));
  EXPECT_EQ(config.input_size, Grid(384, 384));
  write_file(folder / "preprocessor_config.json", "{");
  EXPECT_THAT(error_of([&] { read_config(folder.path()); }),
              HasSubstr("preprocessor_config.json: not JSON"));
}

}  // namespace
}  // namespace fovea
