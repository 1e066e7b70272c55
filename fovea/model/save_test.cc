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
  const auto text_of = [](Architecture a, const Config& config) {
    if (a.medium != Medium::picture) a.input_size = {};  // which image_size tells of these
    return config_text(a, config);
  };
  EXPECT_EQ(text_of(again.architecture(), again.config()),
            text_of(said_by_timm(model.architecture(), "it"), model.config()));
}

std::string case_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, SavedModel, testing::ValuesIn(golden_names()), case_name);
INSTANTIATE_TEST_SUITE_P(Videos, SavedModel, testing::ValuesIn(golden_names("goldens-video")),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Sound, SavedModel, testing::ValuesIn(golden_names("goldens-audio")),
                         case_name);

TEST(SavedMedia, SayHowTheirFilesBecomeInputs) {
  const Model ast = Model::load(golden("ast"), {.threads = 1});
  Config config = ast.config();
  config.sound = {
      .frames = 96, .filters = 128, .rate = 8000, .mean = -3, .std = 2, .assumed = false};
  const TemporaryFolder folder;
  save_model(folder / "sound", ast.architecture(), config, weights_of("ast", ast.architecture()));
  const Config sound = Model::load(folder / "sound", {.threads = 1}).config();
  EXPECT_FALSE(sound.sound.assumed);
  EXPECT_EQ(sound.sound.frames, 96);
  EXPECT_EQ(sound.sound.rate, 8000);
  EXPECT_EQ(sound.sound.mean, -3);
  EXPECT_EQ(sound.sound.std, 2);
  const Model video = Model::load(golden("videomae"), {.threads = 1});
  config = video.config();
  config.frame_stride = 3;
  save_model(folder / "video", video.architecture(), config,
             weights_of("videomae", video.architecture()));
  EXPECT_EQ(Model::load(folder / "video", {.threads = 1}).config().frame_stride, 3);
}

TEST(SaveModel, KeepsWhereNormsStandWhateverTheModelIsCalled) {
  for (const char* name : {"vit-post-norm-timm", "eva-post-norm-timm"}) {
    const StoredModel stored = open_stored(golden(name));
    EXPECT_TRUE(stored.architecture.block.post_norm) << name;
    Architecture renamed = stored.architecture;
    renamed.name = "mine";
    const TemporaryFolder folder;
    save_model(folder / "new", renamed, stored.config, weights_of(name, stored.architecture));
    EXPECT_TRUE(open_stored(folder / "new").architecture.block.post_norm) << name;
  }
}

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

}  // namespace
}  // namespace fovea
