// A model that was saved is the model that was loaded.
#include "fovea/model/save.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "fovea/io/testing.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/config_text.h"
#include "fovea/model/stored.h"
#include "fovea/model/tensors.h"
#include "fovea/model/testing.h"
#include "fovea/model/timm_spelling.h"
#include "fovea/model/weights.h"

namespace fovea {
namespace {

// All weights of a golden, read through its own dialect.
std::vector<Weight> weights_of(const std::string& name, const Architecture& a) {
  const Checkpoint checkpoint = Checkpoint::open(golden(name));
  CheckpointWeights source(checkpoint);
  return read_weights(source, a);
}

class SavedModel : public testing::TestWithParam<std::string> {};

TEST_P(SavedModel, GivesTheSameAnswers) {
  const Model model = Model::load(golden(GetParam()), {.threads = 1});
  const TemporaryFolder folder;
  save_model(folder / "new" / "model", model.architecture(), model.config(),
             weights_of(GetParam(), model.architecture()));
  const Model again = Model::load(folder / "new" / "model", {.threads = 1});
  const Array input = read_npy(golden(GetParam()) / "input.npy");
  // A big.LITTLE ViT can't merge.
  const RunOptions options{.merge = {.schedule = {.r = model.architecture().routing ? 0 : 2}}};
  const Result want = model.run(input, options);
  const Result got = again.run(input, options);
  EXPECT_EQ(got.logits.data, want.logits.data);
  EXPECT_EQ(got.tokens.data, want.tokens.data);
  EXPECT_EQ(got.source.data, want.source.data);
  EXPECT_EQ(again.config().labels, model.config().labels);
  EXPECT_EQ(again.config().preprocessing.crop_pct, model.config().preprocessing.crop_pct);
  EXPECT_EQ(config_text(again.architecture(), again.config()),
            config_text(said_by_timm(model.architecture(), "it"), model.config()));
}

INSTANTIATE_TEST_SUITE_P(Cases, SavedModel, testing::ValuesIn(golden_names()),
                         [](const testing::TestParamInfo<std::string>& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// What timm's keys can't say goes into a preprocessor_config.json.
TEST(SaveModel, KeepsHowPicturesBecomeInputs) {
  const StoredModel stored = open_stored(golden("vit"));
  const std::vector<Weight> weights = weights_of("vit", stored.architecture);
  for (
      const char* text :
      {R"({"size": {"shortest_edge": 54}, "crop_size": 48, "do_center_crop": true, "rescale_factor": 0.00784313725490196})",
       R"({"size": 50, "crop_size": 48, "do_center_crop": true, "image_mean": 0.25})",
       R"({"do_resize": false, "crop_size": 48, "do_center_crop": true})",
       R"({"do_resize": false})"}) {
    const TemporaryFolder folder;
    Config config = stored.config;
    parse_preprocessor_config(text, "preprocessor_config.json", config);
    save_model(folder / "new", stored.architecture, config, weights);
    const Preprocessing got = read_config(folder / "new").preprocessing;
    const Preprocessing& want = config.preprocessing;
    EXPECT_EQ(got.fit, want.fit) << text;
    EXPECT_EQ(got.crop_down, want.crop_down) << text;
    EXPECT_EQ(got.full_scale, want.full_scale) << text;
    EXPECT_EQ(got.mean, want.mean) << text;
    if (want.fit != Fit::crop && want.fit != Fit::exact) {
      EXPECT_EQ(got.crop_pct, want.crop_pct) << text;
    }
  }
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "new");
  write_file(folder / "new" / "preprocessor_config.json", "{}");
  save_model(folder / "new", stored.architecture, stored.config, weights);
  EXPECT_FALSE(std::filesystem::exists(folder / "new" / "preprocessor_config.json"));
}

TEST(SaveModel, NamesTheFolderThatCannotBeMade) {
  const TemporaryFolder folder;
  write_file(folder / "file", "x");
  EXPECT_THAT(error_of([&] { save_model(folder / "file" / "model", {}, {}, {}); }),
              testing::HasSubstr("file/model: cannot be made: "));
}

TEST(InitialWeights, AreThoseOfTimm) {
  InitialWeights weights(1, 1e-4F);
  EXPECT_THAT(weights.read("blocks.0.attns.0.norm.weight", {8}).data, testing::Each(1));
  EXPECT_THAT(weights.read("patch_embed.proj.1.weight", {8}).data, testing::Each(1));
  EXPECT_THAT(weights.read("patch_embed.proj.1.running_var", {8}).data, testing::Each(1));
  EXPECT_THAT(weights.read("head.bias", {8}).data, testing::Each(0));
  EXPECT_THAT(weights.read("blocks.0.attns.0.ls.gamma", {8}).data, testing::Each(1e-4F));
  const Array linear = weights.read("head.weight", {100, 400});
  double sum = 0;
  double squares = 0;
  for (const float value : linear.data) {
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 40000, 0, 5e-4);
  EXPECT_NEAR(std::sqrt(squares / 40000), 0.02, 5e-4);
  const Array patches = weights.read("patch_embed.proj.weight", {50, 3, 4, 4});
  const auto [least, most] = std::minmax_element(patches.data.begin(), patches.data.end());
  EXPECT_NEAR(*most, 1 / std::sqrt(48), 2e-3);
  EXPECT_NEAR(*least, -1 / std::sqrt(48), 2e-3);
}

TEST(InitialWeights, FollowSeedAndName) {
  const auto draw = [](uint64_t seed, const std::string& name) {
    return InitialWeights(seed, 1).read(name, {3, 3}).data;
  };
  EXPECT_EQ(draw(1, "head.weight"), draw(1, "head.weight"));
  EXPECT_NE(draw(1, "head.weight"), draw(2, "head.weight"));
  EXPECT_NE(draw(1, "head.weight"), draw(1, "head_dist.weight"));
}

}  // namespace
}  // namespace fovea
