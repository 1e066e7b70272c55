// What preprocessor_config.json says of how pictures become inputs.
#include "fovea/model/preprocessing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fovea/model/architecture.h"
#include "fovea/model/config.h"
#include "fovea/model/config_text.h"
#include "fovea/model/testing.h"
#include "fovea/model/usual_preprocessing.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;
using testing::Optional;
using testing::StartsWith;

Config preprocessed(const std::string& text) {
  Config config;
  parse_preprocessor_config(text, "preprocessor_config.json", config);
  return config;
}
std::string error_in_preprocessor(const std::string& text) {
  return error_of([&] { preprocessed(text); });
}

TEST(ParsePreprocessor, ReadsAViT) {
  const Config config = preprocessed(R"({"size": {"height": 384, "width": 224}, "resample": 2,
      "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "do_rescale": true})");
  EXPECT_EQ(config.input_size, Grid(384, 224));
  EXPECT_EQ(config.preprocessing.fit, Fit::squash);
  EXPECT_EQ(config.preprocessing.crop_pct, 1);
  EXPECT_EQ(config.preprocessing.interpolation, Interpolation::bilinear);
  EXPECT_THAT(config.preprocessing.mean, ElementsAre(0.5, 0.5, 0.5));
  EXPECT_EQ(preprocessed(R"({"size": 224})").preprocessing.fit, Fit::squash);
  EXPECT_EQ(preprocessed(R"({"size": 224})").input_size, Grid(224, 224));
}

TEST(ParsePreprocessor, ReadsDINOv2) {
  const Config config = preprocessed(R"({"size": {"shortest_edge": 256}, "do_center_crop": true,
      "crop_size": {"height": 224, "width": 224}, "resample": 3})");
  EXPECT_EQ(config.input_size, Grid(224, 224));
  EXPECT_EQ(config.preprocessing.fit, Fit::short_side);
  EXPECT_EQ(config.preprocessing.crop_pct, 0.875);
  EXPECT_EQ(config.preprocessing.interpolation, Interpolation::bicubic);
}

TEST(ParsePreprocessor, ReadsDeiT) {
  // Straight to 256 x 256, then a crop of 224 x 224.
  const Config config = preprocessed(R"({"size": 256, "crop_size": 224, "do_center_crop": true})");
  EXPECT_EQ(config.input_size, Grid(224, 224));
  EXPECT_EQ(config.preprocessing.fit, Fit::squash);
  EXPECT_EQ(config.preprocessing.crop_pct, 0.875);
  const Config whole = preprocessed(R"({"size": 256, "crop_size": 224, "do_center_crop": false})");
  EXPECT_EQ(whole.input_size, Grid(256, 256));
}

TEST(ParsePreprocessor, FindsTheResizedSideAgain) {
  for (int edge = 224; edge < 640; ++edge) {
    const Config config = preprocessed(fmt::format(
        R"({{"size": {{"shortest_edge": {}}}, "crop_size": {{"height": 224, "width": 224}}}})",
        edge));
    EXPECT_EQ(static_cast<int>(224 / config.preprocessing.crop_pct), edge);
  }
}

TEST(ParsePreprocessor, LeavesOutWhatIsSwitchedOff) {
  const Config config = preprocessed(R"({"do_normalize": false, "image_mean": [0.5, 0.5, 0.5]})");
  EXPECT_THAT(config.preprocessing.mean, ElementsAre(0, 0, 0));
  EXPECT_THAT(config.preprocessing.std, ElementsAre(1, 1, 1));
  EXPECT_FALSE(config.input_size);
  EXPECT_EQ(preprocessed(R"({"do_rescale": false})").preprocessing.full_scale, 1);
  EXPECT_EQ(preprocessed(R"({"do_pad": false, "do_center_crop": null, "size": 32, "pad_size": null,
      "size_divisor": null, "crop_size": null})")
                .preprocessing.fit,
            Fit::squash);
}

TEST(ParsePreprocessor, ReadsWhatBecomesOfValues) {
  EXPECT_EQ(preprocessed("{}").preprocessing.full_scale, 255);
  EXPECT_EQ(preprocessed(R"({"rescale_factor": 0.00392156862745098})").preprocessing.full_scale,
            255);
  EXPECT_EQ(preprocessed(R"({"rescale_factor": 1.0})").preprocessing.full_scale, 1);
  EXPECT_THAT(preprocessed(R"({"rescale_factor": 0.00784313725490196})").preprocessing.full_scale,
              FloatEq(127.5));
  const Preprocessing one =
      preprocessed(R"({"image_mean": 0.5, "image_std": [0.25]})").preprocessing;
  EXPECT_THAT(one.mean, ElementsAre(0.5, 0.5, 0.5));
  EXPECT_THAT(one.std, ElementsAre(0.25, 0.25, 0.25));
}

TEST(ParsePreprocessor, ReadsWhatIsNotResized) {
  const Config cropped = preprocessed(R"({"do_resize": false, "size": 256, "crop_size": 224})");
  EXPECT_EQ(cropped.preprocessing.fit, Fit::crop);
  EXPECT_TRUE(cropped.preprocessing.crop_down);
  EXPECT_EQ(cropped.input_size, Grid(224, 224));
  const Config as_it_is = preprocessed(R"({"do_resize": false, "size": 256})");
  EXPECT_EQ(as_it_is.preprocessing.fit, Fit::exact);
  EXPECT_FALSE(as_it_is.input_size);
}

// transformers' classes, of version 5.24.
TEST(ParsePreprocessor, KnowsWhatProcessorsDoWithoutBeingTold) {
  const auto of_type = [](const std::string& type) {
    return preprocessed(R"({"image_processor_type": ")" + type + R"("})");
  };
  const Config vit = of_type("ViTImageProcessor");
  EXPECT_EQ(vit.preprocessing.fit, Fit::squash);
  EXPECT_EQ(vit.preprocessing.interpolation, Interpolation::bilinear);
  EXPECT_THAT(vit.preprocessing.mean, ElementsAre(0.5, 0.5, 0.5));
  EXPECT_EQ(vit.input_size, Grid(224, 224));
  const Config deit = of_type("DeiTImageProcessorFast");
  EXPECT_EQ(deit.preprocessing.fit, Fit::squash);
  EXPECT_EQ(deit.preprocessing.interpolation, Interpolation::bicubic);
  EXPECT_EQ(deit.preprocessing.crop_pct, 0.875);
  for (const char* type : {"BitImageProcessor", "CLIPImageProcessorPil"}) {
    const Config bit = of_type(type);
    EXPECT_EQ(bit.preprocessing.fit, Fit::short_side);
    EXPECT_EQ(bit.preprocessing.crop_pct, 1);
    EXPECT_THAT(bit.preprocessing.mean,
                ElementsAre(FloatEq(0.48145466), FloatEq(0.4578275), FloatEq(0.40821073)));
  }
  EXPECT_EQ(of_type("SiglipImageProcessor").preprocessing.fit, Fit::squash);
  // One number is a short side to one and both sides to the other.
  const char* old_clip =
      R"({"feature_extractor_type": "CLIPFeatureExtractor", "size": 256, "crop_size": 224})";
  EXPECT_EQ(preprocessed(old_clip).preprocessing.fit, Fit::short_side);
  const char* old_vit = R"({"feature_extractor_type": "ViTFeatureExtractor", "size": 224})";
  EXPECT_EQ(preprocessed(old_vit).preprocessing.fit, Fit::squash);
  Config dinov2;
  dinov2.architecture = "dinov2";
  parse_preprocessor_config("{}", "preprocessor_config.json", dinov2);
  EXPECT_EQ(dinov2.preprocessing.fit, Fit::short_side) << "as the model_type says";
}

TEST(ParsePreprocessor, TakesTimmsOwn) {
  const Config config = preprocessed(R"({"image_processor_type": "TimmWrapperImageProcessor",
      "pretrained_cfg": {"input_size": [3, 32, 32], "crop_pct": 0.5}})");
  EXPECT_EQ(config.preprocessing.fit, Fit::cover);
  EXPECT_FALSE(config.preprocessing.crop_down);
  EXPECT_EQ(config.preprocessing.crop_pct, 0.5);
}

TEST(ParsePreprocessor, NamesTheKeyOfAWrongValue) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"resample": 0})", "resample is 0; expected 2 (bilinear) or 3 (bicubic)"},
      {R"({"size": {"longest_edge": 5}})", "size.longest_edge is 5; expected shortest_edge alone"},
      {R"({"size": {"shortest_edge": 5, "longest_edge": 9}})", "size.longest_edge is 9; expected"},
      {R"({"size": {"max_height": 5, "max_width": 9}})", "size.max_height is 5; expected"},
      {R"({"size": {"shortest_edge": 224}})",
       "do_center_crop is missing; expected true, as size.shortest_edge"},
      {R"({"size": {"shortest_edge": 224}, "crop_size": 224, "do_center_crop": false})",
       "do_center_crop is false; expected true, as size.shortest_edge"},
      {R"({"size": 224, "do_center_crop": true})", "crop_size is missing"},
      {R"({"image_processor_type": "BitImageProcessor", "size": 32})",
       "crop_size is missing; expected at most 32 x 32"},
      {R"({"crop_size": 224})", "size is missing; expected shortest_edge, or height and width"},
      {R"({"do_pad": true})", "do_pad is true; expected false; it is not supported"},
      {R"({"do_flip_channel_order": true})", "do_flip_channel_order is true; expected false"},
      {R"({"do_what_nobody_knows": true})", "do_what_nobody_knows is true; expected false"},
      {R"({"rescale_offset": true})", "rescale_offset is true; expected false"},
      {R"({"crop_pct": 0.9})", "crop_pct is 0.9; expected none"},
      {R"({"size_divisor": 32})", "size_divisor is 32; expected none"},
      {R"({"image_processor_type": "LevitImageProcessorFast"})",
       "image_processor_type is \"LevitImageProcessorFast\"; expected an image processor that"},
      {R"({"rescale_factor": 0})", "rescale_factor is 0; expected a number from"},
      {R"({"image_mean": [0.5, 0.5]})", "image_mean is [0.5,0.5]; expected three numbers"},
      {R"({"size": {"height": 5}})", "expected shortest_edge, or height and width"},
      {R"({"size": {"shortest_edge": 0}})", "size.shortest_edge is 0"},
      {R"({"size": "big"})", "size is \"big\""},
      {R"({"size": 224, "crop_size": 256})", "crop_size is 256; expected at most 224 x 224"},
      {R"({"size": 256, "crop_size": {"height": 300, "width": 10}})", "expected at most 256 x 256"},
      {R"({"size": 256, "crop_size": {"height": 224}})", "expected height and width"},
      {R"({"size": 256, "crop_size": {"height": 224, "width": 128}})", "the same share"},
      {R"({"image_std": [0, 1, 1]})", "image_std is [0,1,1]"}};
  for (const auto& [text, fragment] : cases) {
    EXPECT_THAT(error_in_preprocessor(text),
                AllOf(StartsWith("preprocessor_config.json: "), HasSubstr(fragment)));
  }
}

TEST(ParsePreprocessor, ReadsSegmentAnything) {
  const Config config = preprocessed(R"({"image_processor_type": "SamImageProcessor",
      "do_pad": true, "size": {"longest_edge": 128}, "pad_size": {"height": 128, "width": 128},
      "mask_size": {"longest_edge": 256}, "resample": 2, "image_mean": [0.5, 0.4, 0.3]})");
  EXPECT_EQ(config.preprocessing.fit, Fit::corner);
  EXPECT_EQ(config.input_size, Grid(128, 128));
  EXPECT_EQ(config.preprocessing.interpolation, Interpolation::bilinear);
  EXPECT_THAT(config.preprocessing.mean, ElementsAre(FloatEq(0.5), FloatEq(0.4), FloatEq(0.3)));
  EXPECT_THAT(config.preprocessing.std,
              ElementsAre(FloatEq(0.229), FloatEq(0.224), FloatEq(0.225)));
  const Config silent = preprocessed(R"({"image_processor_type": "SamImageProcessorFast"})");
  EXPECT_EQ(silent.input_size, Grid(1024, 1024));
  EXPECT_EQ(silent.preprocessing.fit, Fit::corner);
  EXPECT_FALSE(silent.preprocessing.assumed);
}

TEST(ParsePreprocessor, ReadsWhatIsWrittenOfSegmentAnything) {
  Architecture a;
  a.image_size = {320, 320};
  Config sam;
  sam.preprocessing = sam_preprocessing();
  const std::optional<std::string> text = preprocessor_text(a, sam);
  ASSERT_TRUE(text);
  const Config config = preprocessed(*text);
  const Preprocessing& p = config.preprocessing;
  EXPECT_EQ(config.input_size, Grid(320, 320));
  EXPECT_EQ(p.fit, Fit::corner);
  EXPECT_EQ(p.mean, sam_preprocessing().mean);
  EXPECT_EQ(p.std, sam_preprocessing().std);
  EXPECT_EQ(p.full_scale, 1);
  EXPECT_EQ(p.interpolation, Interpolation::bilinear);
}

TEST(ParsePreprocessor, RefusesOtherWaysOfSegmentAnything) {
  const auto error = [](const std::string& keys) {
    return error_in_preprocessor(R"({"image_processor_type": "SamImageProcessor", )" + keys + "}");
  };
  EXPECT_THAT(error(R"("do_pad": false)"), HasSubstr("do_pad is false"));
  EXPECT_THAT(error(R"("do_resize": false)"), HasSubstr("do_resize is false"));
  EXPECT_THAT(error(R"("size": {"shortest_edge": 128})"), HasSubstr("size.shortest_edge is 128"));
  EXPECT_THAT(error(R"("size": {"longest_edge": 128}, "pad_size": {"height": 256, "width": 128})"),
              AllOf(HasSubstr("pad_size.height is 256"), HasSubstr("128, as size.longest_edge")));
  EXPECT_THAT(error(R"("size": {"longest_edge": 128})"), HasSubstr("pad_size.height is missing"));
  // Nobody else pads.
  EXPECT_THAT(error_in_preprocessor(R"({"image_processor_type": "ViTImageProcessor",
      "do_pad": true})"),
              HasSubstr("do_pad"));
}

TEST(ParsePreprocessor, ReadsVideoMAE) {
  Config config;
  config.architecture = "videomae";
  parse_preprocessor_config("{}", "video_preprocessor_config.json", config);
  EXPECT_EQ(config.input_size, Grid(224, 224));
  EXPECT_EQ(config.preprocessing.fit, Fit::short_side);
  EXPECT_EQ(config.preprocessing.crop_pct, 1);
  EXPECT_EQ(config.preprocessing.interpolation, Interpolation::bilinear);
  EXPECT_THAT(config.preprocessing.mean, ElementsAre(0.5, 0.5, 0.5));
  EXPECT_THAT(config.preprocessing.std, ElementsAre(0.5, 0.5, 0.5));
  const Config older = preprocessed(R"({"feature_extractor_type": "VideoMAEFeatureExtractor",
      "size": 160, "crop_size": 128, "image_mean": [0.1, 0.2, 0.3]})");
  EXPECT_EQ(older.input_size, Grid(128, 128));
  EXPECT_EQ(older.preprocessing.crop_pct, 0.8);
  EXPECT_FLOAT_EQ(older.preprocessing.mean[2], 0.3F);
  const Config newer = preprocessed(R"({"video_processor_type": "VideoMAEVideoProcessor"})");
  EXPECT_EQ(newer.preprocessing.fit, Fit::short_side);
}

TEST(ParsePreprocessor, ReadsAST) {
  const Config config = preprocessed(R"({"feature_extractor_type": "ASTFeatureExtractor",
      "sampling_rate": 8000, "num_mel_bins": 64, "max_length": 512, "mean": -3, "std": 2.5})");
  EXPECT_EQ(config.sound.rate, 8000);
  EXPECT_EQ(config.sound.filters, 64);
  EXPECT_EQ(config.sound.frames, 512);
  EXPECT_EQ(config.sound.mean, -3);
  EXPECT_EQ(config.sound.std, 2.5F);
  EXPECT_FALSE(config.sound.assumed);
  const Config usual = preprocessed(R"({"feature_extractor_type": "ASTFeatureExtractor"})");
  EXPECT_EQ(usual.sound.rate, 16'000);
  EXPECT_FLOAT_EQ(usual.sound.mean, -4.2677393F);
  EXPECT_FLOAT_EQ(usual.sound.std, 4.5689974F);
  const Config plain =
      preprocessed(R"({"feature_extractor_type": "ASTFeatureExtractor", "do_normalize": false})");
  EXPECT_EQ(plain.sound.mean, 0) << "(x - mean) / (2 std) is x";
  EXPECT_EQ(plain.sound.std, 0.5F);
  EXPECT_THAT(error_in_preprocessor(R"({"feature_extractor_type": "ASTFeatureExtractor",
      "sampling_rate": 10})"),
              HasSubstr("sampling_rate"));
}

TEST(UsualPreprocessing, IsSegmentAnythingsOwnWhereNoConfigSaysMore) {
  Config config;
  set_usual_preprocessing(named_architecture("sam_vit_b"), config);
  EXPECT_EQ(config.preprocessing.fit, Fit::corner);
  EXPECT_FALSE(config.preprocessing.assumed);
  config.preprocessing.mean = {1, 2, 3};
  set_usual_preprocessing(named_architecture("sam_vit_b"), config);
  EXPECT_EQ(config.preprocessing.mean[1], 2);
  Config of_vit;
  set_usual_preprocessing(named_architecture("vit_tiny_patch16_224"), of_vit);
  EXPECT_TRUE(of_vit.preprocessing.assumed);
}

}  // namespace
}  // namespace fovea
