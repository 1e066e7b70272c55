// `fovea train` from outside: what it says, and what it refuses.
#include <string>
#include <vector>

#include "fovea/io/safetensors.h"
#include "tests/cli_testing.h"
#include "tests/train/training_data.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CliTrain : public testing::Test {
 protected:
  void SetUp() override {
    write_training_data(folder_ / "data");
    write_file(folder_ / "recipe.json",
               R"({"width": 16, "depth": 1, "heads": 1, "img_size": 16, "patch_size": 8,
                   "crop": "padded", "epochs": 0.34, "warmup_epochs": 0, "batch_size": 36})");
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> arguments(const std::string& output,
                                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"train",    path("recipe.json"), "--data",    path("data"),
                                    "--output", path(output),        "--threads", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  // With what a shell says before and behind the command.
  Finished in_shell(const std::string& before, const std::string& behind,
                    const std::vector<std::string>& words) const {
    std::vector<std::string> all = {"-c", before + R"( exec "$0" "$@" )" + behind, fovea_program()};
    all.insert(all.end(), words.begin(), words.end());
    return run_program("/bin/sh", all);
  }

  TemporaryFolder folder_;
};

TEST_F(CliTrain, SaysThatItIsAliveAndInWhichFormat) {
  const Finished finished = run_fovea(arguments("out"));
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.err,
              AllOf(HasSubstr("note: amp is auto: multiplies in "), HasSubstr("\nstep 1/1  loss "),
                    HasSubstr(" images/s\n"), Not(HasSubstr("\r"))));
}

TEST_F(CliTrain, CountsWhatIsNoPicture) {
  write_file(folder_ / "data/train/class0/notes.txt", "text");
  write_file(folder_ / "data/train/class1/.hidden.png", "junk");
  write_file(folder_ / "data/val/class1/a.bmp", "BM");
  const Finished finished = run_fovea(arguments("out"));
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.err,
              HasSubstr("note: left out: 2 files of other kinds: 1 .bmp, 1 .txt; 1 hidden\n"));
}

TEST_F(CliTrain, GoesByTheLevelThatFoveaSimdLeaves) {
  const Finished capped = in_shell("FOVEA_SIMD=avx2", "", arguments("out"));
  EXPECT_EQ(capped.status, 0);
  EXPECT_THAT(capped.err, HasSubstr("note: amp is auto: multiplies in f32, for the processor ("));
  const Finished forced = in_shell("FOVEA_SIMD=avx2", "", arguments("true", {"--amp", "true"}));
  EXPECT_EQ(forced.status, 0);
  EXPECT_THAT(forced.err, HasSubstr("note: amp is true: multiplies in bf16, but the processor"));
  expect_refused(run_fovea(arguments("no", {"--amp", "maybe"})),
                 "--amp is \"maybe\"; expected one of auto, true, false");
}

TEST_F(CliTrain, SaysWhereResumingChangesTheFormat) {
  ASSERT_EQ(run_fovea(arguments("out", {"--amp", "true"})).status, 0);
  const Finished same = run_fovea(arguments("out", {"--amp", "true", "--epochs", "1", "--resume"}));
  EXPECT_THAT(same.err, Not(HasSubstr("the steps before in")));
  const Finished other =
      run_fovea(arguments("out", {"--amp", "false", "--epochs", "2", "--resume"}));
  EXPECT_EQ(other.status, 0) << other.err;
  EXPECT_THAT(other.err, HasSubstr("multiplies in f32, but the steps before in bf16"));
}

TEST_F(CliTrain, AnErrorStreamThatTakesNothingStopsNoWork) {
  for (const std::string stream : {"2>/dev/full", "2>&-"}) {
    const std::string output = stream == "2>&-" ? "closed" : "full";
    EXPECT_EQ(in_shell("", stream, arguments(output)).status, 0) << stream;
    EXPECT_TRUE(std::filesystem::exists(folder_ / output / "model.safetensors"));
  }
}

TEST_F(CliTrain, NoModelIsWrittenOverWhatItIsMadeOf) {
  const std::string model = path("model");
  write_changed_model(model, [](std::vector<TensorToWrite>&) {});
  const std::string before = read_all(model + "/model.safetensors");
  const std::vector<std::string> common = {"--data", path("data"), "--output", model};
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"finetune", model},
           {"finetune", model + "/model.safetensors"},
           {"distill", path("recipe.json"), "--teacher", model},
           {"train", path("recipe.json"), "--teacher", model, "--distillation", "soft"}}) {
    std::vector<std::string> all = words;
    all.insert(all.end(), common.begin(), common.end());
    expect_refused(run_fovea(all), "holds the model " + model);
  }
  EXPECT_TRUE(read_all(model + "/model.safetensors") == before);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "model" / "recipe.json"));
  const Finished beside =
      run_fovea({"finetune", model, "--data", path("data"), "--output", model, "--img-size", "48",
                 "--epochs", "0.1", "--batch-size", "12", "--delta", "true"});
  EXPECT_EQ(beside.status, 0) << beside.err;
}

// What is saved loads again, whatever library the model is of, and all of it was trained.
TEST_F(CliTrain, FinetunesModelsOfAllFamilies) {
  const std::filesystem::path families = test_data() / "goldens-families";
  for (const std::string model : {"rope-mixed-timm", "clip-hf", "siglip-hf", "beit-hf", "dinov3-hf",
                                  "dinov2-swiglu-hf", "eva02-base-timm", "vit-post-norm-timm"}) {
    const std::string output = path(model);
    const Finished trained =
        run_fovea({"finetune", (families / model).string(), "--data", path("data"), "--output",
                   output, "--epochs", "0.34", "--warmup-epochs", "0", "--batch-size", "12"});
    ASSERT_EQ(trained.status, 0) << model << ": " << trained.err;
    const Finished classified =
        run_fovea({"classify", output, picture("photo.jpg"), "--json", "--threads", "1"});
    ASSERT_EQ(classified.status, 0) << model << ": " << classified.err;
    EXPECT_EQ(nlohmann::json::parse(classified.out)["top"].size(), 3U) << model;
  }
  const auto frequencies = [](const std::filesystem::path& folder) {
    const SafeTensors file = SafeTensors::open(folder / "model.safetensors");
    return to_floats(file.tensors().at("rope.freqs"), file.file_name());
  };
  const std::vector<float> before = frequencies(families / "rope-mixed-timm");
  const std::vector<float> after = frequencies(folder_ / "rope-mixed-timm");
  ASSERT_EQ(before.size(), after.size());
  EXPECT_NE(before, after);
}

}  // namespace
}  // namespace fovea
