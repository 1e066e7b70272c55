// Models of videos and of sound: what is told by tensors, by configs, and by neither.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "fovea/model/cost.h"
#include "fovea/model/positions.h"
#include "fovea/model/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;
using testing::Optional;

const char* const kVideos[] = {"videomae", "videomae-first-token", "videomae-original-names",
                               "mae-st",   "mae-st-sep-pos",       "videomae-pretraining"};
const char* const kSounds[] = {"ast", "audiomae", "audiomae-cls"};

std::string error_with(const std::string& name, const std::function<void(Config&)>& change) {
  Config config = config_of(name);
  change(config);
  return error_of([&] { infer_architecture(Checkpoint::open(golden(name)), config); });
}

TEST(InferMedium, ReadsTubesFramesAndPositions) {
  for (const char* name : kVideos) {
    SCOPED_TRACE(name);
    const Architecture a = infer(name);
    EXPECT_EQ(a.medium, Medium::video);
    EXPECT_EQ(a.in_channels, 3);
    EXPECT_EQ(a.patch.frames, 2);
    EXPECT_EQ(made_for(a).frames, a.name == "mae_st" && a.split_positions ? 6 : 4);
    EXPECT_EQ(a.sinusoids, a.position_rows == 0);
  }
  const Architecture split = infer("mae-st-sep-pos");
  EXPECT_TRUE(split.split_positions);
  EXPECT_TRUE(split.late_norm);
  EXPECT_EQ(split.patches_of(made_for(split)), Grid(3, 6, 6));
  EXPECT_EQ(split.prefix(), 1);
  EXPECT_EQ(infer("mae-st").family, "MAE-ST");
  EXPECT_EQ(infer("videomae").family, "transformers' VideoMAE");
  EXPECT_EQ(infer("videomae-original-names").family, "VideoMAE");
  EXPECT_EQ(infer("videomae").block.eps, 1e-12);
  EXPECT_THAT(infer("videomae").fc_norm_eps, Optional(1e-5));
  EXPECT_EQ(infer("videomae-original-names").block.eps, 1e-6);
  EXPECT_FALSE(infer("videomae-original-names").fc_norm_eps);
}

TEST(InferMedium, TakesTheFirstPatchForTheClassTokenWhereTheHeadDoes) {
  for (const char* name : {"videomae-first-token", "videomae-pretraining"}) {
    const Architecture a = infer(name);
    EXPECT_EQ(a.pooling, Pooling::token) << name;
    EXPECT_TRUE(a.first_patch_leads);
    EXPECT_EQ(a.prefix(), 0);
    EXPECT_EQ(a.protected_tokens(), 1);
    EXPECT_EQ(a.seen_by_head(), 1);
  }
  const Architecture mean = infer("videomae");
  EXPECT_EQ(mean.pooling, Pooling::average);
  EXPECT_EQ(mean.protected_tokens(), 0);
  EXPECT_FALSE(mean.final_norm);

  Shapes classless = shapes_of("mae-st");
  classless.erase("cls_token");
  classless["pos_embed"] = {1, 72, 48};
  const Architecture st = infer(classless, config_of("mae-st"));
  EXPECT_EQ(st.pooling, Pooling::average);
  EXPECT_TRUE(st.first_patch_leads);
  EXPECT_EQ(st.prefix(), 0);
}

TEST(InferMedium, ReadsSpectrograms) {
  for (const char* name : kSounds) {
    SCOPED_TRACE(name);
    const Architecture a = infer(name);
    EXPECT_EQ(a.medium, Medium::sound);
    EXPECT_EQ(a.in_channels, 1);
    EXPECT_EQ(made_for(a).columns, 128);
  }
  const Architecture ast = infer("ast");
  EXPECT_EQ(ast.stride, Grid(10, 10));
  EXPECT_EQ(ast.patches_of({96, 128}), Grid(12, 9)) << "frequency outermost";
  EXPECT_EQ(ast.pooling, Pooling::prefix);
  EXPECT_EQ(ast.seen_by_head(), 2);
  EXPECT_TRUE(ast.head_norm);
  const Architecture mae = infer("audiomae");
  EXPECT_TRUE(mae.stride.empty());
  EXPECT_EQ(mae.patches_of({96, 128}), Grid(6, 8)) << "time outermost";
}

// Bare files: what was published tells the rest.
TEST(InferMedium, IsToldByTensorsWhereThereIsNoConfig) {
  const auto bare = [](const char* name, const std::function<void(Shapes&)>& change) {
    Shapes shapes = shapes_of(name);
    change(shapes);
    Config config;
    config.heads = 4;
    return infer(shapes, config);
  };
  const auto with_positions = [](int64_t rows) {
    return [rows](Shapes& shapes) { shapes["pos_embed"] = {1, rows, 48}; };
  };
  const auto as_it_is = [](Shapes&) {};
  EXPECT_EQ(bare("audiomae", with_positions(513)).image_size, Grid(1024, 128));
  const Architecture overlapping = bare("audiomae", with_positions(1213));
  EXPECT_EQ(overlapping.family, "AudioMAE");
  EXPECT_EQ(overlapping.image_size, Grid(1024, 128));
  EXPECT_EQ(overlapping.stride, Grid(10, 10));
  EXPECT_EQ(bare("audiomae", as_it_is).image_size, Grid(96, 128));
  const Architecture ast = bare("ast", as_it_is);
  EXPECT_EQ(ast.family, "transformers' AST");
  EXPECT_EQ(ast.patches_of(ast.image_size), Grid(12, 9));

  EXPECT_EQ(bare("mae-st", with_positions(1 + 8 * 36)).image_size, Grid(16, 48, 48));
  EXPECT_EQ(bare("mae-st-sep-pos", as_it_is).image_size, Grid(6, 48, 48));
  EXPECT_EQ(bare("videomae-original-names", as_it_is).image_size, Grid(16, 224, 224));
  EXPECT_EQ(bare("videomae-original-names", as_it_is).family, "VideoMAE");
  EXPECT_EQ(bare("videomae", as_it_is).family, "transformers' VideoMAE");
  EXPECT_EQ(bare("mae-st", with_positions(1 + 8 * 36)).family, "MAE-ST");

  const auto untold = [&](const char* name, int64_t rows) {
    return error_of([&] { bare(name, with_positions(rows)); });
  };
  EXPECT_THAT(untold("audiomae", 100), HasSubstr("grid can't be told; config.json should give"));
  EXPECT_THAT(untold("mae-st", 100), HasSubstr("config.json should give num_frames and img_size"));
}

TEST(InferMedium, ReadsVideoMaeAsItsAuthorsPretrainIt) {
  Shapes shapes;
  for (const auto& [name, shape] : shapes_of("videomae-original-names")) {
    const bool is_head = name.starts_with("head.") || name.starts_with("fc_norm.");
    if (!is_head) shapes["encoder." + name] = shape;
  }
  shapes["encoder.norm.weight"] = shapes["encoder.norm.bias"] = {48};
  shapes["encoder_to_decoder.weight"] = {16, 48};
  shapes["mask_token"] = {1, 1, 16};
  shapes["decoder.norm.weight"] = {16};
  const Architecture a = infer(shapes, config_of("videomae-original-names"));
  EXPECT_EQ(a.family, "VideoMAE");
  EXPECT_EQ(a.pooling, Pooling::token);
  EXPECT_TRUE(a.first_patch_leads);
  EXPECT_TRUE(a.final_norm);
  EXPECT_EQ(a.classes, 0);
}

TEST(InferMedium, ReadsVideoMaeWithScalesAndStoredPositions) {
  Shapes shapes = shapes_of("videomae-original-names");
  for (const char* layer : {"0", "1", "2"}) {
    for (const char* gamma : {"gamma_1", "gamma_2"})
      shapes[std::string("blocks.") + layer + "." + gamma] = {48};
  }
  shapes["pos_embed"] = {1, 72, 48};
  const Architecture a = infer(shapes, config_of("videomae-original-names"));
  EXPECT_TRUE(a.block.scale_attention);
  EXPECT_EQ(a.position_rows, 72);
  EXPECT_FALSE(a.sinusoids);
}

TEST(InferMedium, NamesWhatConfigsContradict) {
  EXPECT_THAT(error_with("videomae", [](Config& c) { c.tube = 4; }),
              HasSubstr("2 frames in tubes found; config.json says 4"));
  EXPECT_THAT(error_with("videomae", [](Config& c) { c.frames = 5; }),
              HasSubstr("config.json says 5 frames; expected a multiple of the tube's 2"));
  EXPECT_THAT(error_with("videomae", [](Config& c) { c.image_size = Grid(4, 4); }),
              HasSubstr("4 frames of 4 x 4 pixels, which are 2 x 0 x 0 patches; expected some"));
  EXPECT_THAT(error_with("videomae", [](Config& c) { c.patch_size = Grid(16, 16); }),
              HasSubstr("patches of 8 x 8 pixels found; config.json says 16 x 16"));
  EXPECT_THAT(error_with("videomae", [](Config& c) { c.mean_pooling = false; }),
              HasSubstr("config.json asks for the first token; expected a tensor"));
  EXPECT_THAT(error_with("videomae-first-token", [](Config& c) { c.mean_pooling = true; }),
              HasSubstr("config.json asks for the mean of all tokens; expected no tensor "
                        "videomae.layernorm.weight"));
  EXPECT_THAT(error_with("videomae", [](Config& c) { c.qkv_bias = false; }),
              HasSubstr("biases of queries, keys and values"));
  EXPECT_THAT(
      error_with("mae-st", [](Config& c) { c.frames = 8; }),
      HasSubstr("tensor pos_embed has 73 rows; config.json says 8 frames of 48 x 48 pixels, "
                "which are 4 x 6 x 6 patches, beside 1 prefix token"));
  EXPECT_THAT(error_with("mae-st-sep-pos", [](Config& c) { c.frames = 8; }),
              HasSubstr("tensor pos_embed_temporal has 3 rows; config.json says 8 frames"));
  EXPECT_THAT(error_with("mae-st-sep-pos", [](Config& c) { c.image_size = Grid(64, 64); }),
              HasSubstr("tensor pos_embed_spatial has 36 rows; config.json says 6 frames of 64"));
  EXPECT_THAT(error_with("ast", [](Config& c) { c.image_size = Grid(200, 128); }),
              HasSubstr("position_embeddings has 110 rows; config.json says 200 frames of 128 mel "
                        "bins, which are 12 x 19 patches, beside 2 prefix tokens"));
  EXPECT_THAT(error_with("ast", [](Config& c) { c.stride = Grid(16, 16); }),
              HasSubstr("which are 8 x 6 patches"));
  EXPECT_THAT(error_with("audiomae", [](Config& c) { c.stride = Grid(10, 10); }),
              HasSubstr("96 frames of 128 mel bins, which are 9 x 12 patches"));
}

TEST(InferMedium, NamesTensorsOfOtherShapes) {
  Shapes shapes = shapes_of("videomae-original-names");
  shapes["patch_embed.proj.weight"] = {48, 3, 8, 8};
  EXPECT_THAT(error_of([&] { infer(shapes, config_of("videomae-original-names")); }),
              HasSubstr("tensor patch_embed.proj.weight is [48, 3, 8, 8]; expected 5 dimensions"));
  shapes = shapes_of("videomae-original-names");
  shapes["norm.weight"] = shapes["norm.bias"] = {48};
  EXPECT_THAT(error_of([&] { infer(shapes, config_of("videomae-original-names")); }),
              HasSubstr("tensors norm.weight and fc_norm.weight; expected one of them"));
  shapes = shapes_of("mae-st-sep-pos");
  shapes.erase("pos_embed_temporal");
  EXPECT_THAT(error_of([&] { infer(shapes, config_of("mae-st-sep-pos")); }),
              HasSubstr("tensor pos_embed_temporal is missing"));
  shapes = shapes_of("audiomae");
  shapes["patch_embed.proj.weight"] = {48, 3, 16, 16};
  EXPECT_THAT(error_of([&] { infer(shapes, config_of("audiomae")); }),
              HasSubstr("tensor patch_embed.proj.weight is [48, 3, 16, 16]; expected 1 input"));
}

TEST(InferMedium, ReadsTheKeysOfEachLibrary) {
  const Config video = parse_config(
      R"({"model_type": "videomae", "num_frames": 8, "tubelet_size": 4, "image_size": 96,
          "use_mean_pooling": false, "qv_bias": true})",
      "c");
  EXPECT_THAT(video.frames, Optional(8));
  EXPECT_THAT(video.tube, Optional(4));
  EXPECT_THAT(video.mean_pooling, Optional(false));
  EXPECT_THAT(video.qkv_bias, Optional(true));
  const Config ast = parse_config(R"({"model_type": "audio-spectrogram-transformer",
                                      "time_stride": 8, "max_length": 512})",
                                  "c");
  EXPECT_THAT(ast.stride, Optional(Grid(10, 8)));
  EXPECT_THAT(ast.image_size, Optional(Grid(512, 128)));
  const Config mae =
      parse_config(R"({"architecture": "audiomae", "img_size": [1024, 128], "stride": 10})", "c");
  EXPECT_THAT(mae.image_size, Optional(Grid(1024, 128)));
  EXPECT_THAT(mae.stride, Optional(Grid(10, 10)));
  EXPECT_FALSE(parse_config(R"({"model_type": "vit", "max_length": 0})", "c").image_size);
  EXPECT_THAT(error_of([] { parse_config(R"({"num_frames": 0})", "c"); }),
              HasSubstr("c: num_frames is 0; expected a whole number from 1"));
}

TEST(InferMedium, PositionsOfVideoMaeAreSinesAndCosinesOfPatchesNumbers) {
  Architecture a;
  a.width = 48;
  a.sinusoids = true;
  const Array rows = position_map(a, {3, 4, 5}).fixed;
  ASSERT_EQ(rows.shape, (Shape{60, 48}));
  for (int n = 0; n < 60; ++n) {
    for (int j = 0; j < 48; ++j) {
      const double angle = n / std::pow(10000, 2.0 * std::floor(j / 2.0) / 48);
      ASSERT_FLOAT_EQ(rows.data[n * 48 + j],
                      static_cast<float>(j % 2 == 0 ? std::sin(angle) : std::cos(angle)));
    }
  }
}

TEST(InferMedium, NamedArchitecturesAreThoseOfThePapers) {
  const Architecture video = named_architecture("videomae_base_patch16_224");
  EXPECT_EQ(made_for(video), Grid(16, 224, 224));
  const Cost of_video = cost(video, made_for(video));
  EXPECT_EQ(of_video.tokens_per_layer.back(), 1568);
  // 357 in the blocks, and what embeds the tubes.
  EXPECT_NEAR(of_video.gflops - 2e-9 * 1568 * 1536 * 768, 356.99, 0.01);
  const Architecture sound = named_architecture("ast_base_patch16_128x1024");
  EXPECT_EQ(made_for(sound), Grid(1024, 128));
  const Cost of_sound = cost(sound, made_for(sound));
  EXPECT_EQ(of_sound.tokens_per_layer.back(), 1214);
  EXPECT_NEAR(of_sound.gflops, 261, 0.5);
  // transformers' VideoMAEForVideoClassification and ASTForAudioClassification of the usual sizes.
  EXPECT_EQ(video.parameters, 86'534'800);
  EXPECT_EQ(sound.parameters, 86'594'063);
  const Architecture mae = named_architecture("audiomae_base_patch16_1024x128");
  EXPECT_EQ(mae.patches_of(made_for(mae)), Grid(64, 8));
  const Architecture st = named_architecture("mae_st_huge_patch16_224");
  EXPECT_EQ(st.width, 1280);
  EXPECT_EQ(st.position_rows, 1569);
  EXPECT_EQ(named_architectures("videomae_*").size(), 4U);
  EXPECT_EQ(named_architectures("mae_st_*").size(), 3U);
  EXPECT_EQ(named_architectures("ast_*").size() + named_architectures("audiomae_*").size(), 2U);
}

}  // namespace
}  // namespace fovea
