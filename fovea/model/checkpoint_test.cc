#include "fovea/model/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/model/testing.h"
#include "fovea/model/weights.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Checkpoint, OpensFoldersAndFiles) {
  EXPECT_EQ(Checkpoint::open(golden("vit")).depth(), 3);
  EXPECT_EQ(Checkpoint::open(golden("vit") / "model.safetensors").depth(), 3);
  EXPECT_THAT(error_of([] { Checkpoint::open(golden("nowhere")); }), HasSubstr("nowhere"));
}

TEST(Checkpoint, ReadsUnderCanonicalNames) {
  const Checkpoint checkpoint = checkpoint_of({{"vit.layernorm.weight", {3}}});
  EXPECT_TRUE(checkpoint.has("norm.weight"));
  EXPECT_FALSE(checkpoint.has("norm.bias"));
  EXPECT_THAT(checkpoint.shape("norm.weight"), ElementsAre(3));
  EXPECT_THAT(checkpoint.read("norm.weight", {3}).data, ElementsAre(0, 1, 2));
  EXPECT_EQ(checkpoint.spelling("norm.weight"), "vit.layernorm.weight");
}

TEST(Checkpoint, NamesAsTheFileDoes) {
  const Checkpoint checkpoint = checkpoint_of({{"vit.layernorm.weight", {3}}});
  EXPECT_THAT(error_of([&] { checkpoint.read("norm.weight", {4}); }),
              HasSubstr("tensor vit.layernorm.weight is [3]; expected [4]"));
  EXPECT_THAT(
      error_of([&] { checkpoint.read("norm.bias", {3}); }),
      AllOf(HasSubstr("model.safetensors: tensor vit.layernorm.bias is missing; expected [3]")));
  EXPECT_THAT(error_of([&] { checkpoint.shape("cls_token"); }),
              HasSubstr("tensor vit.embeddings.cls_token is missing"));
}

TEST(Checkpoint, TurnsSwagsPositions) {
  const Checkpoint checkpoint = checkpoint_of({{"encoder.pos_embedding", {2, 1, 3}}});
  const Array table = checkpoint.read("pos_embed", {1, 2, 3});
  EXPECT_THAT(table.shape, ElementsAre(1, 2, 3));
  EXPECT_THAT(table.data, ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Checkpoint, NamesBothOfTwoThatAreTheSame) {
  EXPECT_THAT(error_of([] {
                checkpoint_of({{"blocks.0.ls1.gamma", {1}}, {"blocks.0.gamma_1", {1}}});
              }),
              AllOf(HasSubstr("blocks.0.ls1.gamma"), HasSubstr("blocks.0.gamma_1 ")));
  EXPECT_THAT(error_of([] {
                checkpoint_of({{"module.norm.bias", {1}}, {"norm.bias", {1}}});
              }),
              HasSubstr("tensors module.norm.bias and norm.bias are both norm.bias"));
}

TEST(Checkpoint, NotesWhatIsHarmless) {
  const Checkpoint checkpoint = checkpoint_of({{"decoder_embed.bias", {1}},
                                               {"decoder_embed.weight", {1, 1}},
                                               {"mask_token", {1}},
                                               {"ema.norm.bias", {1}}});
  EXPECT_THAT(
      checkpoint.check_all_used(),
      ElementsAre("2 tensors not used: a decoder of masked pre-training (decoder_embed.bias, ...)",
                  "1 tensor not used: averaged copies of weights (EMA) (ema.norm.bias)",
                  "1 tensor not used: tokens of masked pre-training (mask_token)"));
}

TEST(Checkpoint, NamesWhatIsNotKnown) {
  const Checkpoint one = checkpoint_of({{"junk", {1}}});
  EXPECT_THAT(error_of([&] { one.check_all_used(); }),
              testing::EndsWith("tensor junk is not known"));
  const Checkpoint checkpoint =
      checkpoint_of({{"junk.1", {1}}, {"junk.2", {1}}, {"norm.bias", {2}}, {"norm.weight", {2}}});
  checkpoint.read("norm.bias", {2});
  checkpoint.expect("norm.weight", {2});
  EXPECT_THAT(error_of([&] { checkpoint.check_all_used(); }),
              HasSubstr("tensor junk.1 is not known, nor are 1 more"));
}

TEST(Checkpoint, CountsParametersWithoutStatistics) {
  const Checkpoint checkpoint = checkpoint_of({{"patch_embed.proj.1.running_var", {5}},
                                               {"patch_embed.proj.1.weight", {5}},
                                               {"mask_token", {7}},
                                               {"norm.bias", {2, 3}}});
  EXPECT_EQ(checkpoint.parameters(), 11);
}

TEST(Checkpoint, CountsLayersAndBranches) {
  const Checkpoint checkpoint = checkpoint_of({{"blocks.11.norm1.bias", {1}},
                                               {"blocks.0.norm1.bias", {1}},
                                               {"blocks.0.mlp2.fc1.bias", {1}}});
  EXPECT_EQ(checkpoint.depth(), 12);
  EXPECT_EQ(checkpoint.branches(), 3);
  EXPECT_EQ(checkpoint.first_under("blocks.0.ffns."), "blocks.0.ffns.2.mlp.fc1.bias");
  EXPECT_EQ(checkpoint.first_under("blocks.3."), std::nullopt);
}

// Of one layer; queries, keys and values of 2 channels kept apart.
Shapes apart() {
  Shapes shapes;
  for (const char* part : {"query", "key", "value"}) {
    shapes[std::string("encoder.layer.0.attention.attention.") + part + ".weight"] = {2, 2};
    shapes[std::string("encoder.layer.0.attention.attention.") + part + ".bias"] = {2};
  }
  return shapes;
}

TEST(Checkpoint, FindsQueriesKeysAndValues) {
  const std::string bias = "blocks.0.attns.0.attn.qkv.bias";
  const auto parts = [&](const Shapes& shapes, const std::string& name) {
    std::vector<std::string> names;
    for (const Checkpoint::Part& part : checkpoint_of(shapes).parts(name, 6))
      names.push_back(fmt::format("{} {}", part.name, part.rows));
    return names;
  };
  EXPECT_THAT(parts({{"blocks.0.attn.qkv.weight", {6, 2}}}, bias), ElementsAre(bias + " 6"));
  EXPECT_THAT(parts(apart(), bias),
              ElementsAre("blocks.0.attns.0.attn.q.bias 2", "blocks.0.attns.0.attn.k.bias 2",
                          "blocks.0.attns.0.attn.v.bias 2"));
  EXPECT_THAT(parts({{"blocks.0.attn.qkv.weight", {6, 2}}, {"blocks.0.attn.q_bias", {2}}}, bias),
              ElementsAre("blocks.0.attns.0.attn.q.bias 2", " 2", " 2"));
  EXPECT_THAT(parts({{"attn_pool.q.weight", {2, 2}}, {"attn_pool.kv.weight", {4, 2}}},
                    "attn_pool.qkv.weight"),
              ElementsAre("attn_pool.q.weight 2", "attn_pool.kv.weight 4"));
}

TEST(Checkpoint, ReadsJointQkvWhicheverWayItIsStored) {
  const Checkpoint separate = checkpoint_of(apart());
  CheckpointWeights weights(separate);
  EXPECT_THAT(weights.read("blocks.0.attns.0.attn.qkv.weight", {6, 2}).data,
              ElementsAre(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3));
  EXPECT_THAT(weights.read("blocks.0.attns.0.attn.qkv.bias", {6}).data,
              ElementsAre(0, 1, 0, 1, 0, 1));
  EXPECT_THAT(separate.check_all_used(), IsEmpty());
}

TEST(Checkpoint, ExpectsTheSameBiasesInAllLayers) {
  const std::string name = "blocks.0.attns.0.attn.qkv.";
  Shapes shapes = apart();
  checkpoint_of(shapes).expect(name + "bias", {6});
  // What the first layer has is missed in others.
  Shapes two = shapes;
  for (const auto& [file_name, shape] : shapes) {
    if (file_name.find("key.bias") == std::string::npos)
      two["encoder.layer.1" + file_name.substr(15)] = shape;
  }
  EXPECT_THAT(error_of([&] { checkpoint_of(two).expect("blocks.1.attns.0.attn.qkv.bias", {6}); }),
              HasSubstr("encoder.layer.1.attention.attention.key.bias is missing; expected [2]"));
  shapes.erase("encoder.layer.0.attention.attention.key.bias");
  checkpoint_of(shapes).expect(name + "bias", {6});  // as BEiT has it
  shapes.erase("encoder.layer.0.attention.attention.query.bias");
  shapes.erase("encoder.layer.0.attention.attention.value.bias");
  const Checkpoint checkpoint = checkpoint_of(shapes);
  checkpoint.expect(name + "bias", {6});
  CheckpointWeights weights(checkpoint);
  EXPECT_THAT(weights.read(name + "bias", {6}).data, AllOf(SizeIs(6), testing::Each(0)));
}

}  // namespace
}  // namespace fovea
