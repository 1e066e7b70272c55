#include "fovea/model/architecture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "fovea/model/testing.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The message for a golden changed by `change`.
template <typename Change>
std::string error_after(const std::string& model, Change change) {
  Shapes shapes = shapes_of(model);
  change(shapes);
  return error_of([&] { infer(shapes, config_of(model)); });
}

TEST(InferArchitecture, ReadsAPlainViT) {
  const Architecture a = infer("vit");
  EXPECT_EQ(a.name, "vit");
  EXPECT_EQ(a.width, 48);
  EXPECT_EQ(a.depth, 3);
  EXPECT_EQ(a.block.heads, 4);
  EXPECT_EQ(a.block.branches, 1);
  EXPECT_EQ(a.block.mlp_width, 192);
  EXPECT_EQ(a.stem, Stem::linear);
  EXPECT_EQ(a.patch, Grid(8, 8));
  EXPECT_TRUE(a.class_token);
  EXPECT_EQ(a.prefix(), 1);
  EXPECT_FALSE(a.block.scale_attention);
  EXPECT_TRUE(a.final_norm);
  EXPECT_FALSE(a.fc_norm);
  EXPECT_EQ(a.pooling, Pooling::token);
  EXPECT_EQ(a.classes, 10);
  EXPECT_EQ(a.position_rows, 37);
  EXPECT_EQ(a.input_size, Grid(48, 48));
  EXPECT_EQ(a.image_size, Grid(0, 0));
  EXPECT_EQ(a.parameters, 96490);
}

TEST(InferArchitecture, ReadsEveryDialectAlike) {
  const Architecture plain = infer("vit");
  for (const char* model : {"torchvision-names", "swag-names", "transformers-names"}) {
    const Architecture a = infer(model);
    EXPECT_EQ(a.parameters, plain.parameters) << model;
    EXPECT_EQ(a.depth, plain.depth) << model;
    EXPECT_EQ(a.position_rows, plain.position_rows) << model;
    EXPECT_EQ(a.classes, plain.classes) << model;
  }
}

TEST(InferArchitecture, ReadsWhatSetsModelsApart) {
  EXPECT_EQ(infer("deit-distilled").prefix(), 2);
  EXPECT_TRUE(infer("deit-distilled").distillation_token);
  EXPECT_EQ(infer("dinov2-registers").registers, 4);
  EXPECT_EQ(infer("dinov2-registers").prefix(), 5);
  EXPECT_EQ(infer("dinov2-registers").classes, 0);
  for (const char* model : {"layerscale", "deit3", "timm-parallel", "transformers-dinov2-names"})
    EXPECT_TRUE(infer(model).block.scale_attention) << model;
  for (const char* model : {"parallel", "parallel-plain", "timm-parallel"})
    EXPECT_EQ(infer(model).block.branches, 2) << model;
  EXPECT_EQ(infer("hmlp").stem, Stem::hmlp);
  EXPECT_EQ(infer("hmlp").patch, Grid(16, 16));
  EXPECT_FALSE(infer("no-class-token").class_token);
  EXPECT_EQ(infer("no-class-token").pooling, Pooling::average);
  EXPECT_TRUE(infer("mae-avgpool").fc_norm);
  EXPECT_FALSE(infer("mae-avgpool").final_norm);
  EXPECT_EQ(infer("vit-odd").block.heads, 5);
  EXPECT_EQ(made_for(infer("vit-odd")), Grid(40, 56));
}

TEST(InferArchitecture, PoolsByWhatIsThere) {
  EXPECT_EQ(infer(shapes_of("vit-head64"), {}).pooling, Pooling::token);
  Config average;
  average.pooling = Pooling::average;
  EXPECT_EQ(infer(shapes_of("vit-head64"), average).pooling, Pooling::average);
  Config config = config_of("mae-avgpool");
  config.pooling.reset();
  EXPECT_EQ(infer(shapes_of("mae-avgpool"), config).pooling, Pooling::average);
  config.pooling = Pooling::token;
  EXPECT_THAT(error_of([&] { infer(shapes_of("no-class-token"), config); }),
              HasSubstr("pooling by class token; expected a tensor cls_token"));
}

TEST(InferArchitecture, TellsHeadsByWidth) {
  EXPECT_EQ(infer(shapes_of("vit-head64"), {}).block.heads, 2);
  EXPECT_THAT(
      error_of([] { infer(shapes_of("vit"), {}); }),
      HasSubstr("the number of heads can't be told for 48 channels; expected --num-heads N, or "
                "num_heads in config.json"));
  Config config;
  config.heads = 5;
  EXPECT_THAT(error_of([&] { infer(shapes_of("vit"), config); }),
              HasSubstr("48 channels can't be shared out to 5 heads"));
}

// One layer of such a width.
Shapes one_layer(int width) {
  Shapes shapes = shapes_of("vit");
  for (auto& [name, shape] : shapes) {
    for (int64_t& extent : shape) {
      if (extent % 48 == 0) extent = extent / 48 * width;
    }
  }
  for (const char* layer : {"blocks.1.", "blocks.2."})
    std::erase_if(shapes, [&](const auto& entry) { return entry.first.starts_with(layer); });
  return shapes;
}

TEST(InferArchitecture, KnowsTheHeadsOfPublishedWidths) {
  for (const auto& [width, heads] : {std::pair{64, 1},
                                     {320, 5},
                                     {1024, 16},
                                     {1152, 16},
                                     {1280, 16},
                                     {1408, 16},
                                     {1664, 16},
                                     {1792, 16}}) {
    EXPECT_EQ(infer(one_layer(width), {}).block.heads, heads) << width;
  }
  for (const int width : {1088, 1536}) {
    EXPECT_THAT(error_of([&] { infer(one_layer(width), {}); }), HasSubstr("--num-heads N"))
        << width;
  }
}

TEST(InferArchitecture, KnowsTheHeadsOfPublishedNames) {
  Config config;
  config.architecture = "test_vit";
  EXPECT_EQ(infer(one_layer(64), config).block.heads, 2);
  config.heads = 4;  // what the config says goes first
  EXPECT_EQ(infer(one_layer(64), config).block.heads, 4);
}

TEST(InferArchitecture, TakesDINOv2sHeadOfTwoParts) {
  Shapes shapes = renamed(shapes_of("transformers-dinov2-names"),
                          [](const std::string& name) { return "dinov2." + name; });
  shapes["classifier.weight"] = {7, 96};
  shapes["classifier.bias"] = {7};
  const Architecture a = infer(shapes, config_of("transformers-dinov2-names"));
  EXPECT_TRUE(a.pool_concat);
  EXPECT_EQ(a.classes, 7);
}

TEST(InferArchitecture, TakesThreeBranchesAndNoBiases) {
  Shapes shapes = shapes_of("parallel");
  const Shapes two = shapes;
  for (const auto& [name, shape] : two) {
    for (const char* part :
         {".norm11.", ".attn1.", ".gamma_1_1", ".norm21.", ".mlp1.", ".gamma_2_1"}) {
      const size_t at = name.find(part);
      if (at == std::string::npos) continue;
      std::string third = name;
      third[third.rfind('1', at + std::string(part).size() - 1)] = '2';
      shapes[third] = shape;
    }
  }
  std::erase_if(shapes, [](const auto& entry) { return entry.first.ends_with(".qkv.bias"); });
  EXPECT_EQ(infer(shapes, config_of("parallel")).block.branches, 3);
}

TEST(InferArchitecture, TakesWrappedAndChunkedNames) {
  const Config config = config_of("layerscale");
  const auto chunk = [](const std::string& name) {
    return name.starts_with("blocks.") ? "teacher.backbone.blocks.0." + name.substr(7)
                                       : "teacher.backbone." + name;
  };
  Shapes shapes = renamed(shapes_of("layerscale"), chunk);
  shapes["teacher.backbone.mask_token"] = {1, 48};
  shapes["student.backbone.cls_token"] = {1, 1, 48};
  EXPECT_EQ(infer(shapes, config).depth, infer("layerscale").depth);
  EXPECT_EQ(infer(shapes, config).parameters, infer("layerscale").parameters);
}

// Of every golden each tensor is taken out in turn: the message must name it.
TEST(InferArchitecture, NamesEveryTensorThatIsMissing) {
  for (const std::string& model : golden_names()) {
    const Shapes shapes = shapes_of(model);
    const Config config = config_of(model);
    for (const auto& [name, shape] : shapes) {
      Shapes fewer = shapes;
      fewer.erase(name);
      // These may be absent.
      if (name.ends_with("mask_token") || name.ends_with("reg_token")) continue;
      // A model without class token is one of another kind, unless it is to be pooled by it.
      if (name.find("cls_token") != std::string::npos && config.pooling != Pooling::token) continue;
      // Attention needs no bias of keys, as BEiT's has none; nor of queries alone.
      const bool is_part = name.ends_with("key.bias") || name.ends_with("query.bias") ||
                           name.ends_with("value.bias");
      if (is_part && infer(model).depth == 1) continue;
      EXPECT_THAT(error_of([&] { infer(fewer, config); }),
                  AllOf(HasSubstr(name), AnyOf(HasSubstr("is missing"), HasSubstr("expected"))))
          << model;
    }
  }
}

TEST(InferArchitecture, NamesEveryTensorOfWrongShape) {
  for (const std::string& model : golden_names()) {
    const Shapes shapes = shapes_of(model);
    const Config config = config_of(model);
    for (const auto& [name, shape] : shapes) {
      if (name.ends_with("mask_token")) continue;
      Shapes changed = shapes;
      changed[name].push_back(2);
      EXPECT_THAT(error_of([&] { infer(changed, config); }),
                  AllOf(HasSubstr("tensor " + name + " is " + to_string(changed[name])),
                        HasSubstr("expected")))
          << model;
    }
  }
}

TEST(InferArchitecture, NamesSizesThatDisagree) {
  EXPECT_THAT(error_after("vit",
                          [](Shapes& s) {
                            s["blocks.2.mlp.fc1.weight"] = {100, 48};
                          }),
              HasSubstr("tensor blocks.2.mlp.fc1.weight is [100, 48]; expected [192, 48]"));
  EXPECT_THAT(error_after("vit",
                          [](Shapes& s) {
                            s["pos_embed"] = {2, 37, 48};
                          }),
              HasSubstr("tensor pos_embed is [2, 37, 48]; expected [1, 37, 48]"));
  EXPECT_THAT(error_after("vit",
                          [](Shapes& s) {
                            s["patch_embed.proj.weight"] = {48, 1, 8, 8};
                          }),
              HasSubstr("expected 3 input channels"));
  EXPECT_THAT(error_after("hmlp",
                          [](Shapes& s) {
                            s["patch_embed.proj.3.weight"] = {12, 12, 4, 2};
                          }),
              HasSubstr("patch_embed.proj.3.weight is [12, 12, 4, 2]; expected [12, 12, 4, 4]"));
  EXPECT_THAT(error_after("hmlp",
                          [](Shapes& s) {
                            s["patch_embed.proj.3.weight"] = {12, 12, 5000, 1};
                          }),
              HasSubstr("the hMLP stem has patches of more than 8192 pixels"));
  EXPECT_THAT(error_after("vit",
                          [](Shapes& s) {
                            s["patch_embed.proj.weight"] = {0, 3, 8, 8};
                          }),
              HasSubstr("expected extents from 1"));
}

// The tensors of "vit" behind a conv stem of three convolutions.
Shapes behind_convolutions() {
  Shapes shapes = shapes_of("vit");
  shapes.erase("patch_embed.proj.weight");
  shapes.erase("patch_embed.proj.bias");
  Architecture a;
  a.stem = Stem::conv;
  a.width = 48;
  a.convolutions = overlapping_convolutions(std::vector{6, 10, 20}, 8, "");
  for_each_tensor(a, [&](const std::string& name, const Shape& shape) { shapes[name] = shape; });
  return shapes;
}

TEST(InferArchitecture, TellsConvolutionalStems) {
  Config config = config_of("vit");
  const Architecture eight = infer(behind_convolutions(), config);
  EXPECT_EQ(eight.stem, Stem::conv);
  EXPECT_EQ(eight.patch, Grid(8, 8));
  EXPECT_THAT(eight.convolutions, ElementsAre(StemConvolution{3, 2, 6}, StemConvolution{3, 2, 10},
                                              StemConvolution{3, 2, 20}));
  config.patch_size = {4, 4};
  const Architecture four = infer(behind_convolutions(), config);
  EXPECT_EQ(four.patch, Grid(4, 4));
  EXPECT_EQ(four.convolutions.front().stride, 1);
}

TEST(InferArchitecture, NamesWhatIsWrongWithConvolutionalStems) {
  Config config = config_of("vit");
  for (const auto& [name, shape] : behind_convolutions()) {
    if (!name.starts_with("patch_embed.")) continue;
    Shapes changed = behind_convolutions();
    changed.erase(name);
    EXPECT_THAT(error_of([&] { infer(changed, config); }),
                AllOf(HasSubstr(name), HasSubstr("is missing")));
    changed[name] = shape;
    changed[name].back() += 1;
    EXPECT_THAT(error_of([&] { infer(changed, config); }), HasSubstr("tensor " + name + " is "));
  }
  Shapes biased = behind_convolutions();
  biased["patch_embed.proj.3.bias"] = {10};
  EXPECT_THAT(error_of([&] { infer(biased, config); }),
              HasSubstr("tensor patch_embed.proj.3.bias is not known"));
  config.patch_size = {16, 16};
  EXPECT_THAT(error_of([&] { infer(behind_convolutions(), config); }),
              HasSubstr("patches of 16 pixels behind 3 convolutions; expected a power of 2, up "
                        "to 8"));
  config.patch_size = {4, 8};
  EXPECT_THAT(error_of([&] { infer(behind_convolutions(), config); }),
              HasSubstr("config.json says patch_size 4 x 8; expected a square"));
  config.patch_size = {16, 16};
  EXPECT_THAT(error_of([&] { infer(shapes_of("vit"), config); }),
              HasSubstr("patches of 8 x 8 pixels found; config.json says 16 x 16"));
}

TEST(InferArchitecture, NamesWhatOnlySomeLayersHave) {
  EXPECT_THAT(error_after("vit", [](Shapes& s) { s["blocks.2.gamma_1"] = {48}; }),
              HasSubstr("tensor blocks.0.gamma_1 is missing; expected [48]"));
  EXPECT_THAT(error_after("vit", [](Shapes& s) { s["blocks.1.norm11.weight"] = {48}; }),
              HasSubstr("tensor blocks.1.norm11.weight is of branch 2; expected 1 in each layer"));
  EXPECT_THAT(error_after("vit", [](Shapes& s) { s["blocks.5.norm1.weight"] = {48}; }),
              HasSubstr("tensor blocks.3.norm1.weight is missing"));
}

TEST(InferArchitecture, NamesPartsOfAttentionThatLackOthers) {
  EXPECT_THAT(error_after("vit", [](Shapes& s) { s["blocks.0.attn.q_bias"] = {48}; }),
              HasSubstr("tensor blocks.0.attn.q_bias is not known"));
  EXPECT_THAT(error_after("vit", [](Shapes& s) { s["blocks.0.attn.k_norm.bias"] = {16}; }),
              HasSubstr("tensor blocks.0.attn.q_norm.weight is missing; expected [12]"));
}

TEST(InferArchitecture, KnowsGatedMlps) {
  EXPECT_FALSE(infer("vit").block.gated);
  const Architecture a = infer("dinov2-giant-timm");
  EXPECT_TRUE(a.block.gated);
  EXPECT_EQ(a.block.mlp_width, 72);
  EXPECT_EQ(a.block.activation, Activation::silu);
  Config config = config_of("dinov2-giant-timm");
  config.gated_mlp = false;
  EXPECT_THAT(error_of([&] { infer(shapes_of("dinov2-giant-timm"), config); }),
              HasSubstr("the MLP is gated, but config.json says false"));
}

TEST(InferArchitecture, KnowsFamilies) {
  const std::pair<const char*, const char*> cases[] = {{"clip-hf", "transformers' CLIP"},
                                                       {"siglip-hf", "transformers' SigLIP"},
                                                       {"clip-openai", "OpenAI and open_clip"},
                                                       {"dinov3-hf", "transformers' DINOv3"},
                                                       {"beit-hf", "transformers' BEiT"},
                                                       {"dinov2-swiglu-hf", "transformers' DINOv2"},
                                                       {"vit-msn-hf", "transformers' ViT"},
                                                       {"eva02-base-timm", "timm"},
                                                       {"vit", "timm"}};
  for (const auto& [model, family] : cases) EXPECT_EQ(infer(model).family, family) << model;
}

TEST(InferArchitecture, AsksForTheNameWhereNoTensorTellsOfRotation) {
  Config config = config_of("eva02-tiny-timm");
  EXPECT_TRUE(infer("eva02-tiny-timm").block.rotation);
  config.architecture.clear();
  EXPECT_THAT(error_of([&] { infer(shapes_of("eva02-tiny-timm"), config); }),
              HasSubstr("config.json should name its architecture"));
}

TEST(InferArchitecture, HoldsTheConfigAgainstTheTensors) {
  Config config = config_of("vit");
  config.depth = 12;
  EXPECT_THAT(error_of([&] { infer(shapes_of("vit"), config); }),
              HasSubstr("3 layers found; config.json says 12"));
  EXPECT_THAT(error_of([] {
                infer({{"junk", {1}}}, {});
              }),
              HasSubstr("tensor patch_embed.proj.weight is missing"));
  const Shapes stem = {{"patch_embed.proj.weight", {64, 3, 8, 8}}};
  EXPECT_THAT(error_of([&] { infer(stem, {}); }), HasSubstr("no transformer blocks found"));
}

TEST(InferArchitecture, GoesWithoutPositionsWhenToldTo) {
  Shapes shapes = shapes_of("vit");
  shapes.erase("pos_embed");
  Config config = config_of("vit");
  config.position_embedding = false;
  EXPECT_EQ(infer(shapes, config).position_rows, 0);
}

Architecture with_table(int rows, int registers = 0) {
  Architecture a;
  a.patch = {8, 8};
  a.class_token = true;
  a.registers = registers;
  a.position_rows = rows;
  return a;
}

void expect_layout(const PositionLayout& layout, int prefix, const Grid& grid) {
  EXPECT_EQ(layout.prefix, prefix);
  EXPECT_EQ(layout.grid, grid);
}

TEST(PositionLayout, TakesTablesOfTheInputsSizeAsTheyAre) {
  expect_layout(position_layout(with_table(35), {5, 7}), 0, {5, 7});
  expect_layout(position_layout(with_table(36), {5, 7}), 1, {5, 7});
  expect_layout(position_layout(with_table(35, 4), {5, 7}), 0, {5, 7});
  expect_layout(position_layout(with_table(40, 4), {5, 7}), 5, {5, 7});
  expect_layout(position_layout(with_table(36, 4), {5, 7}), 1, {5, 7});
}

TEST(PositionLayout, FindsTheGridOfOthers) {
  expect_layout(position_layout(with_table(37), {8, 10}), 1, {6, 6});
  expect_layout(position_layout(with_table(36), {8, 10}), 0, {6, 6});
  expect_layout(position_layout(with_table(37, 4), {8, 10}), 1, {6, 6});
  Architecture a = with_table(36);
  a.input_size = {40, 56};
  expect_layout(position_layout(a, {8, 10}), 1, {5, 7});
  a.image_size = {56, 40};  // comes before input_size
  expect_layout(position_layout(a, {8, 10}), 1, {7, 5});
  a.image_size = {64, 64};  // does not fit
  expect_layout(position_layout(a, {8, 10}), 1, {5, 7});
}

TEST(PositionLayout, SaysWhenItCannotTell) {
  EXPECT_THAT(error_of([] {
                position_layout(with_table(36 + 4), {8, 10});
              }),
              AllOf(HasSubstr("position embedding of 40 rows"), HasSubstr("8 x 10 patches"),
                    HasSubstr("img_size")));
  EXPECT_NE(error_of([] { position_layout(with_table(3), {2, 2}); }), "");
}

TEST(MadeFor, IsWhatTheConfigSaysElseTheTable) {
  Architecture a = with_table(37);
  EXPECT_EQ(made_for(a), Grid(48, 48));
  a.image_size = {64, 64};
  EXPECT_EQ(made_for(a), Grid(64, 64));
  a.input_size = {40, 56};
  EXPECT_EQ(made_for(a), Grid(40, 56));
  EXPECT_EQ(made_for(with_table(40)), Grid(224, 224));
}

}  // namespace
}  // namespace fovea
