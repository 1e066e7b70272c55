// What a training changed, in a file of its own, over what it was trained from.
#include "fovea/model/delta.h"

#include "fovea/model/location.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/io/npy.h"
#include "fovea/io/testing.h"
#include "fovea/model/stored.h"
#include "fovea/model/testing.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Weight> weights_of(const StoredModel& model) {
  CheckpointWeights source(model.checkpoint);
  return read_weights(source, model.architecture);
}

// As attention-only fine-tuning leaves them.
void train_attention(std::vector<Weight>& weights) {
  for (Weight& weight : weights) {
    if (weight.name.find(".attn.") == std::string::npos) continue;
    for (float& value : weight.values.data) value = 0.5F * value + 0.01F;
  }
}

std::string join(const std::filesystem::path& base, const std::filesystem::path& delta) {
  return base.string() + "+" + delta.string();
}

class DeltaOf : public testing::TestWithParam<std::string> {};

TEST_P(DeltaOf, HoldsWhatChangedAndGivesItBack) {
  const TemporaryFolder folder;
  const StoredModel base = open_stored(golden(GetParam()));
  std::vector<Weight> changed = weights_of(base);
  train_attention(changed);
  const std::filesystem::path path = folder / "delta.safetensors";
  save_delta(base.checkpoint, changed, base.config, path);
  const TensorFile file = TensorFile::open(path);
  for (const auto& [name, tensor] : file.tensors()) EXPECT_THAT(name, HasSubstr(".attn."));

  const StoredModel read = open_stored(join(golden(GetParam()), path));
  read.checkpoint.check_all_used();
  EXPECT_EQ(read.architecture.parameters, base.architecture.parameters);
  const std::vector<Weight> got = weights_of(read);
  ASSERT_EQ(got.size(), changed.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].name, changed[i].name);
    EXPECT_EQ(got[i].values.data, changed[i].values.data) << got[i].name;
  }
  EXPECT_EQ(read.config.labels, base.config.labels);

  // The model of the delta is the whole model saved.
  save_model(folder / "whole", base.architecture, base.config, changed);
  const Array input = read_npy(golden(GetParam()) / "input.npy");
  EXPECT_EQ(Model::load(join(golden(GetParam()), path), {.threads = 1}).run(input).tokens.data,
            Model::load(folder / "whole", {.threads = 1}).run(input).tokens.data);
}

INSTANTIATE_TEST_SUITE_P(Cases, DeltaOf, testing::ValuesIn(golden_names()),
                         [](const testing::TestParamInfo<std::string>& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Delta, ReplacesQueriesKeysAndValuesThatTheBaseKeepsApart) {
  const TemporaryFolder folder;
  const StoredModel base = open_stored(golden("transformers-names"));
  std::vector<Weight> changed = weights_of(base);
  train_attention(changed);
  save_delta(base.checkpoint, changed, {}, folder / "delta.safetensors");
  const TensorFile delta = TensorFile::open(folder / "delta.safetensors");
  EXPECT_TRUE(delta.tensors().contains("blocks.0.attns.0.attn.qkv.weight"));
}

TEST(Delta, BringsBiasesThatTheBaseLacks) {
  const TemporaryFolder folder;
  Shapes shapes = shapes_of("vit");
  std::erase_if(shapes, [](const auto& entry) { return entry.first.ends_with(".qkv.bias"); });
  save_shapes(shapes, folder.path());
  std::filesystem::copy_file(golden("vit") / "config.json", folder / "config.json");
  const StoredModel base = open_stored(folder.path());
  std::vector<Weight> changed = weights_of(base);
  for (Weight& weight : changed) {
    if (weight.name == "blocks.1.attns.0.attn.qkv.bias") weight.values.data[3] = 7;
  }
  save_delta(base.checkpoint, changed, {}, folder / "delta.safetensors");
  const std::vector<Weight> got =
      weights_of(open_stored(join(folder.path(), folder / "delta.safetensors")));
  for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].values.data, changed[i].values.data);
}

TEST(Delta, MayHaveAHeadOfOtherClassesWithTheirLabels) {
  const TemporaryFolder folder;
  for (const char* name : {"vit", "dinov2-registers"}) {  // with a head, and without
    const StoredModel base = open_stored(golden(name));
    std::vector<Weight> changed = weights_of(base);
    std::erase_if(changed, [](const Weight& w) { return w.name.starts_with("head."); });
    const int64_t width = base.architecture.width;
    changed.push_back({Array({2, width}), "head.weight"});
    changed.push_back({Array({2}, {1.0F, 2.0F}), "head.bias"});
    Config config = base.config;
    config.labels = {"cat, \"domestic\"", "dog"};
    config.input_size = {96, 96};
    const std::filesystem::path path = folder / "delta.safetensors";
    save_delta(base.checkpoint, changed, config, path, Storage::bf16);
    const TensorFile delta = TensorFile::open(path);
    EXPECT_EQ(delta.tensors().size(), 2);
    EXPECT_EQ(delta.tensors().at("head.weight").dtype, "BF16");
    EXPECT_EQ(delta.metadata().at("fovea"), "delta");
    const StoredModel read = open_stored(join(golden(name), path));
    EXPECT_EQ(read.architecture.classes, 2);
    EXPECT_THAT(read.config.labels, ElementsAre("cat, \"domestic\"", "dog"));
    EXPECT_EQ(made_for(read.architecture), Grid(96, 96));
  }
}

TEST(Delta, LeavesLabelsAloneWithoutAHead) {
  const TemporaryFolder folder;
  const StoredModel base = open_stored(golden("vit"));
  write_safetensors(folder / "d.safetensors", {}, {{"fovea", "delta"}});
  EXPECT_EQ(open_stored(join(golden("vit"), folder / "d.safetensors")).config.labels,
            base.config.labels);
}

// The message for a delta of such a tensor over "vit".
std::string error_with(const std::string& name, const Shape& shape,
                       const std::map<std::string, std::string>& metadata = {{"fovea", "delta"}}) {
  const TemporaryFolder folder;
  const Array values(shape);
  write_safetensors(folder / "d.safetensors", {to_write(name, values)}, metadata);
  return error_of([&] { open_stored(join(golden("vit"), folder / "d.safetensors")); });
}

TEST(Delta, NamesWhatDoesNotFitTheBase) {
  EXPECT_THAT(error_with("blocks.7.attns.0.norm.weight", {48}),
              AllOf(HasSubstr("d.safetensors: tensor blocks.7.attns.0.norm.weight has no place in"),
                    HasSubstr("vit/model.safetensors; is this the delta of another model?")));
  EXPECT_THAT(error_with("blocks.1.attns.0.norm.weight", {64}),
              HasSubstr("blocks.1.attns.0.norm.weight is [64], but [48] in "));
  EXPECT_THAT(error_with("blocks.1.attns.0.attn.q.weight", {48, 48}), HasSubstr("has no place in"));
  EXPECT_THAT(error_with("head.weight", {10, 64}),
              HasSubstr("d.safetensors: tensor head.weight is [10, 64]; expected [10, 48]"));
  EXPECT_THAT(error_with("head.weight", {3, 48}),
              HasSubstr("tensor head.bias is [10]; expected [3]"));
  EXPECT_THAT(error_with("cls_token", {1, 1, 48}, {}), HasSubstr("is a model of its own"));
  EXPECT_THAT(error_with("cls_token", {1, 1, 48}, {{"fovea", "delta"}, {"label_names", "3"}}),
              HasSubstr("d.safetensors: label_names is 3; expected a list of texts"));
  EXPECT_THAT(error_with("cls_token", {1, 1, 48}, {{"fovea", "delta"}, {"input_size", "[1"}}),
              HasSubstr("d.safetensors: "));
}

TEST(Delta, KnowsItsBase) {
  const TemporaryFolder folder;
  const StoredModel base = open_stored(golden("vit"));
  std::vector<Weight> weights = weights_of(base);
  save_delta(base.checkpoint, {}, {}, folder / "delta.safetensors");
  EXPECT_EQ(error_of([&] { open_stored(join(golden("vit"), folder / "delta.safetensors")); }), "");
  // The same shapes, other values.
  for (Weight& weight : weights) {
    if (weight.name == "norm.weight") weight.values.data[0] += 1;
  }
  save_model(folder / "other", base.architecture, base.config, weights);
  EXPECT_THAT(error_of([&] { open_stored(join(folder / "other", folder / "delta.safetensors")); }),
              HasSubstr("delta.safetensors: was made of another model than "));
}

TEST(SplitDelta, GoesByWhatIsThere) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "a");
  std::filesystem::create_directory(folder / "a+b");
  const auto base = [&](const std::string& name) { return split_delta(folder / name).base; };
  const auto delta = [&](const std::string& name) { return split_delta(folder / name).delta; };
  EXPECT_EQ(base("a+b"), folder / "a+b");
  EXPECT_EQ(delta("a+b"), std::nullopt);
  EXPECT_EQ(base("a+c+d"), folder / "a");
  EXPECT_EQ(delta("a+c+d"), "c+d");
  EXPECT_EQ(base("x+c"), folder / "x+c");
  EXPECT_THAT(error_of([&] { base("a+"); }),
              HasSubstr("a+: expected the name of a delta behind the +"));
}

TEST(SplitDelta, WhatIsMissingIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { open_stored(join(golden("vit"), folder / "none.safetensors")); }),
              HasSubstr("none.safetensors: "));
  const StoredModel base = open_stored(golden("vit"));
  const std::filesystem::path path = folder / "delta.safetensors";
  save_delta(base.checkpoint, {}, {}, path);
  EXPECT_THAT(error_of([&] { open_stored(path); }),
              HasSubstr("holds only what a training changed; expected MODEL+delta.safetensors"));
}

}  // namespace
}  // namespace fovea
