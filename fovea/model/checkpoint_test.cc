#include "fovea/model/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/io/testing.h"
#include "fovea/model/weights.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::filesystem::path kGoldens = std::filesystem::path(FOVEA_TEST_DATA) / "goldens";

// The tensors of a golden's file, changed and written to a file of their own.
class Edited {
 public:
  explicit Edited(const std::string& golden)
      : file_(SafeTensors::open(kGoldens / golden / "model.safetensors")) {
    for (const auto& [name, t] : file_.tensors())
      tensors_.push_back({name, t.dtype, t.shape, t.bytes});
    std::filesystem::copy_file(kGoldens / golden / "config.json", folder_ / "config.json");
  }

  Edited& remove(const std::string& name) {
    std::erase_if(tensors_, [&](const TensorToWrite& t) { return t.name == name; });
    return *this;
  }
  Edited& add(const std::string& name, const Array& array) {
    added_.push_back(std::make_unique<Array>(array));
    tensors_.push_back(to_write(name, *added_.back()));
    return *this;
  }
  Edited& rename(const std::string& from, const std::string& to) {
    for (TensorToWrite& t : tensors_) {
      if (t.name == from) t.name = to;
    }
    return *this;
  }
  Edited& put_before_all(const std::string& prefix) {
    for (TensorToWrite& t : tensors_) t.name = prefix + t.name;
    return *this;
  }

  // The error that loading gives; "" if it loads.
  std::string load() {
    write_safetensors(folder_ / "model.safetensors", tensors_);
    return error_of([&] { notes_ = Model::load(folder_.path(), {.threads = 1}).notes(); });
  }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  SafeTensors file_;
  TemporaryFolder folder_;
  std::vector<TensorToWrite> tensors_;
  std::vector<std::unique_ptr<Array>> added_;
  std::vector<std::string> notes_;
};

TEST(CanonicalName, KnowsTheDialects) {
  const auto canonical = [](const char* name) {
    const auto found = canonical_name(name);
    return found ? found->name : "";
  };
  EXPECT_EQ(canonical("blocks.11.attn.qkv.weight"), "blocks.11.attns.0.attn.qkv.weight");
  EXPECT_EQ(canonical("blocks.1.7.attn.qkv.weight"), "blocks.7.attns.0.attn.qkv.weight");
  EXPECT_EQ(canonical("module.blocks.0.norm12.bias"), "blocks.0.attns.2.norm.bias");
  EXPECT_EQ(canonical("blocks.3.gamma_2_1"), "blocks.3.ffns.1.ls.gamma");
  EXPECT_EQ(canonical("blocks.3.attns.1.ls.gamma"), "blocks.3.attns.1.ls.gamma");
  EXPECT_EQ(canonical("encoder.layers.encoder_layer_2.mlp.3.bias"), "blocks.2.ffns.0.mlp.fc2.bias");
  EXPECT_EQ(canonical("encoder.layers.layer_2.mlp.linear_1.bias"), "blocks.2.ffns.0.mlp.fc1.bias");
  EXPECT_EQ(canonical("vit.encoder.layer.4.attention.attention.key.bias"),
            "blocks.4.attns.0.attn.k.bias");
  EXPECT_EQ(canonical("dinov2.embeddings.register_tokens"), "reg_token");
  EXPECT_EQ(canonical("teacher.backbone.cls_token"), "cls_token");
  EXPECT_EQ(canonical("blocks.01.norm1.bias"), "");
  EXPECT_EQ(canonical("blocks.99999999999.norm1.bias"), "");
  EXPECT_EQ(canonical("decoder_blocks.0.norm1.bias"), "");
}

TEST(DialectName, SpellsAsTheFileDoes) {
  EXPECT_EQ(dialect_name("blocks.2.attns.0.attn.proj.bias", Dialect::timm),
            "blocks.2.attn.proj.bias");
  EXPECT_EQ(dialect_name("blocks.2.attns.1.norm.bias", Dialect::timm), "blocks.2.norm11.bias");
  EXPECT_EQ(dialect_name("blocks.2.attns.0.norm.bias", Dialect::timm_parallel),
            "blocks.2.attns.0.norm.bias");
  EXPECT_EQ(dialect_name("norm.bias", Dialect::torchvision), "encoder.ln.bias");
  EXPECT_EQ(dialect_name("blocks.2.attns.0.attn.q.bias", Dialect::transformers),
            "encoder.layer.2.attention.attention.query.bias");
}

TEST(Checkpoint, NamesAMissingTensorAsItsDialectSpellsIt) {
  EXPECT_THAT(Edited("vit").remove("blocks.1.attn.qkv.weight").load(),
              HasSubstr("model.safetensors: tensor blocks.1.attn.qkv.weight is missing"));
  EXPECT_THAT(
      Edited("torchvision-names").remove("encoder.layers.encoder_layer_2.mlp.3.bias").load(),
      HasSubstr("tensor encoder.layers.encoder_layer_2.mlp.3.bias is missing"));
  EXPECT_THAT(
      Edited("swag-names").remove("encoder.layers.layer_0.self_attention.in_proj_weight").load(),
      HasSubstr("tensor encoder.layers.layer_0.self_attention.in_proj_weight is missing"));
  EXPECT_THAT(Edited("transformers-names")
                  .remove("vit.encoder.layer.1.attention.attention.key.weight")
                  .load(),
              HasSubstr("encoder.layer.1.attention.attention.key.weight is missing"));
  EXPECT_THAT(Edited("parallel").remove("blocks.0.mlp1.fc1.weight").load(),
              HasSubstr("tensor blocks.0.mlp1.fc1.weight is missing"));
  EXPECT_THAT(Edited("deit3").remove("blocks.2.gamma_1").load(), HasSubstr("blocks.2."));
  EXPECT_THAT(Edited("vit").remove("patch_embed.proj.weight").load(),
              HasSubstr("tensor patch_embed.proj.weight is missing"));
}

TEST(Checkpoint, NamesAWrongShapeWithWhatWasExpected) {
  EXPECT_THAT(Edited("vit")
                  .remove("blocks.1.mlp.fc1.weight")
                  .add("blocks.1.mlp.fc1.weight", Array({192, 47}))
                  .load(),
              HasSubstr("tensor blocks.1.mlp.fc1.weight is [192, 47]; expected [192, 48]"));
  EXPECT_THAT(Edited("vit").remove("cls_token").add("cls_token", Array({1, 48})).load(),
              HasSubstr("tensor cls_token is [1, 48]; expected [1, 1, 48]"));
}

TEST(Checkpoint, NamesWhatItDoesNotKnow) {
  EXPECT_THAT(Edited("vit").add("blocks.0.adapter.weight", Array({2})).load(),
              HasSubstr("tensor blocks.0.adapter.weight is not known"));
  EXPECT_THAT(Edited("vit").add("a.weight", Array({2})).add("b.weight", Array({2})).load(),
              HasSubstr("tensor a.weight is not known, nor are 1 more"));
  EXPECT_THAT(Edited("vit").add("blocks.0.attn.q_norm.weight", Array({2})).load(),
              HasSubstr("belongs to norms of queries and keys, which is not supported"));
  EXPECT_THAT(Edited("vit").add("rope.freqs", Array({2})).load(), HasSubstr("rotary positions"));
  EXPECT_THAT(Edited("vit").add("module.norm.weight", Array({48})).load(),
              HasSubstr("tensors module.norm.weight and norm.weight are both norm.weight"));
}

TEST(Checkpoint, AcceptsHarmlessLeftoversWithANote) {
  Edited file("vit");
  file.add("mask_token", Array({1, 48}))
      .add("decoder_embed.weight", Array({2}))
      .add("decoder_embed.bias", Array({2}));
  EXPECT_EQ(file.load(), "");
  EXPECT_THAT(
      file.notes(),
      ElementsAre("2 tensors not used: a decoder of masked pre-training (decoder_embed.bias, ...)",
                  "1 tensor not used: tokens of masked pre-training (mask_token)"));
}

TEST(Checkpoint, LooksThroughWrappers) {
  EXPECT_EQ(Edited("vit").put_before_all("module.").load(), "");
  EXPECT_EQ(Edited("vit").put_before_all("model.backbone.").load(), "");
}

TEST(Checkpoint, RefusesSwigluByItsShapesAndNames) {
  EXPECT_THAT(Edited("vit")
                  .remove("blocks.0.mlp.fc2.weight")
                  .add("blocks.0.mlp.fc2.weight", Array({48, 96}))
                  .load(),
              HasSubstr("SwiGLU, which is not supported"));
  EXPECT_THAT(
      Edited("vit").rename("blocks.0.mlp.fc1.weight", "blocks.0.mlp.w12.weight").load(),
      HasSubstr("tensor blocks.0.mlp.w12.weight belongs to SwiGLU, which is not supported"));
}

TEST(Checkpoint, NamesTensorsOfOtherFormats) {
  const std::vector<double> values(48);
  const TemporaryFolder folder;
  std::filesystem::copy_file(kGoldens / "vit" / "config.json", folder / "config.json");
  const SafeTensors vit = SafeTensors::open(kGoldens / "vit" / "model.safetensors");
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, t] : vit.tensors()) {
    tensors.push_back({name, t.dtype, t.shape, t.bytes});
    if (name == "norm.bias") tensors.back() = {name, "F64", {48}, std::as_bytes(std::span(values))};
  }
  write_safetensors(folder / "model.safetensors", tensors);
  EXPECT_THAT(error_of([&] { Model::load(folder / "model.safetensors"); }),
              HasSubstr("tensor norm.bias is F64; expected F32, F16 or BF16"));
}

TEST(Checkpoint, JoinsQueriesKeysAndValuesAndAllowsNoBias) {
  const Checkpoint apart = Checkpoint::open(kGoldens / "transformers-names");
  CheckpointWeights weights(apart);
  const Array joined = weights.read("blocks.0.attns.0.attn.qkv.weight", {144, 48});
  const Array keys = apart.read("blocks.0.attns.0.attn.k.weight", {48, 48});
  EXPECT_TRUE(std::equal(keys.data.begin(), keys.data.end(), joined.data.begin() + 48 * 48));
  Edited without("vit");
  for (const char* layer : {"0", "1", "2"})
    without.remove(std::string("blocks.") + layer + ".attn.qkv.bias");
  EXPECT_EQ(without.load(), "");
  EXPECT_THAT(Edited("vit").remove("blocks.1.attn.qkv.bias").load(),
              HasSubstr("tensor blocks.1.attn.qkv.bias is missing"));
}

TEST(Checkpoint, MissingFilesAreNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { Checkpoint::open(folder.path()); }), HasSubstr("model.safetensors"));
  EXPECT_THAT(error_of([&] { Checkpoint::open(folder / "no.safetensors"); }),
              HasSubstr("no.safetensors"));
}

}  // namespace
}  // namespace fovea
