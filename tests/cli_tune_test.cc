// `fovea tune` from outside: the file that it writes, and what it refuses.
#include <string>
#include <vector>

#include "fovea/io/file.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CliTune : public testing::Test {
 protected:
  Finished tune(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"tune", vit_, kPictures.string(), "--seconds", "1"});
    return run_fovea(arguments);
  }
  json written() const { return json::parse(read_text(config_)); }

  TemporaryFolder folder_;
  const std::string vit_ = golden_path("vit");
  const std::string config_ = folder_ / "merge.json";
};

TEST_F(CliTune, WritesAConfigThatTheOtherCommandsTake) {
  const Finished done = tune({"--speedup", "1.5", "-o", config_});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, HasSubstr("that the search did not see: fidelity"));
  EXPECT_EQ(folder_.count(), 1U);
  const json config = written();
  ASSERT_TRUE(config["r"].is_array());
  int merged = 0;
  for (const json& r : config["r"]) merged += r.get<int>();
  EXPECT_GT(merged, 0);
  const std::string output = folder_ / "out.safetensors";
  expect_done(run_fovea({"forward", vit_, "--input", vit_ + "/input.npy", "--output", output,
                         "--merge-config", config_}));
  // It really takes away what the file says.
  const Finished inspected = run_fovea({"inspect", vit_, "--merge-config", config_, "--json"});
  const json line = json_lines_of(inspected.out).at(0);
  const Finished dense = run_fovea({"inspect", vit_, "--json"});
  EXPECT_EQ(line["tokens_per_layer"].back().get<int>(),
            json_lines_of(dense.out).at(0)["tokens_per_layer"].back().get<int>() - merged);
}

TEST_F(CliTune, KeepsWhatIsTyped) {
  EXPECT_EQ(tune({"--speedup", "1.1", "--metric", "v", "--prop-attn", "off", "-o", config_}).status,
            0);
  EXPECT_EQ(written()["metric"], "v");
  EXPECT_EQ(written()["prop-attn"], "off");
}

TEST_F(CliTune, TheFastestThatKeepsAFidelity) {
  const Finished done = tune({"--fidelity", "0.9", "--json", "-o", config_});
  EXPECT_EQ(done.status, 0);
  const std::vector<json> rows = json_lines_of(done.out);
  ASSERT_GE(rows.size(), 3U);
  EXPECT_EQ(rows.front()["schedule"], "dense");
  EXPECT_EQ(rows.front()["fidelity"], 1.0);
  EXPECT_EQ(rows.back()["schedule"], "tuned");
  EXPECT_EQ(rows.back()["r"], written()["r"]);
  EXPECT_LT(rows.back()["gflops_per_image"], rows.front()["gflops_per_image"]);
}

// Whose tokens have no queries to go by.
TEST_F(CliTune, SearchesForABigLittleModelToo) {
  const Finished done = run_fovea({"tune", golden_path("blvit-every-layer"), kPictures, "--seconds",
                                   "1", "--fidelity", "0.9", "-o", config_});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_NE(written()["metric"], "q");
}

// Each row against the tuned one, on the same pictures.
TEST_F(CliTune, JudgesAtEqualOperationsAndAtEqualSpeed) {
  const Finished done = tune({"--speedup", "1.3", "--json", "-o", config_});
  EXPECT_EQ(done.status, 0);
  const std::vector<json> rows = json_lines_of(done.out);
  ASSERT_GE(rows.size(), 5U);
  EXPECT_EQ(rows[1]["schedule"], "constant");
  EXPECT_EQ(rows[1]["at"], "GFLOPs");
  EXPECT_GE(rows[1]["gflops_per_image"], rows.back()["gflops_per_image"]);
  EXPECT_EQ(rows[2]["schedule"], "constant");
  EXPECT_EQ(rows[2]["at"], "speed");
  for (const json& row : rows) {
    EXPECT_NEAR(row["over_tuned"],
                row["fidelity"].get<double>() - rows.back()["fidelity"].get<double>(), 1e-9);
  }
  EXPECT_EQ(rows.back()["over_tuned_error"], 0.0);
}

TEST_F(CliTune, JudgesOnOtherPictures) {
  std::filesystem::create_directory(folder_ / "others");
  for (const char* name : {"photo.jpg", "gray.jpg", "small.png"}) {
    std::filesystem::copy(picture(name), folder_ / "others" / name);
  }
  const Finished done = tune({"--speedup", "1.1", "--judge", folder_ / "others", "-o", config_});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("on 3 pictures that the search did not see"));
  expect_refused(tune({"--judge", folder_ / "none", "-o", config_}), "none");
}

TEST_F(CliTune, KeepsToTheMethodThatIsTyped) {
  EXPECT_EQ(tune({"--speedup", "1.1", "--method", "foveal", "-o", config_}).status, 0);
  EXPECT_EQ(written()["method"], "foveal");
  EXPECT_EQ(tune({"--speedup", "1.1", "--method", "tome", "-o", config_}).status, 0);
  EXPECT_EQ(written()["method"], "tome");
}

TEST_F(CliTune, WritesBesideTheModel) {
  write_model_without(folder_ / "model", "head.");
  EXPECT_EQ(run_fovea({"tune", folder_ / "model", kPictures, "--speedup", "1.1", "--seconds", "1"})
                .status,
            0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "model" / "fovea.json"));
}

// Sums of its tokens overflow, so that features are numbers only where nothing merges.
TEST_F(CliTune, FeaturesThatAreNoNumbersLoseAll) {
  std::vector<float> large(48);
  large.front() = 3e38F;
  write_changed_model(folder_ / "model", [&](std::vector<TensorToWrite>& tensors) {
    for (TensorToWrite& tensor : tensors) {
      if (tensor.name == "patch_embed.proj.bias") tensor.bytes = std::as_bytes(std::span(large));
    }
  });
  const Finished done = run_fovea(
      {"tune", folder_ / "model", kPictures, "--seconds", "1", "--fidelity", "0.5", "-o", config_});
  EXPECT_EQ(done.status, 0) << done.err;
  const json config = written();
  ASSERT_TRUE(config["r"].is_array());
  for (const json& r : config["r"]) EXPECT_EQ(r, 0);
}

TEST_F(CliTune, CtrlCWritesTheBestSoFar) {
  const Finished done =
      interrupt_fovea({"tune", vit_, kPictures, "--speedup", "1.1", "-o", config_});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("interrupted"));
  EXPECT_TRUE(written()["r"].is_array());
  EXPECT_EQ(folder_.count(), 1U);
}

TEST_F(CliTune, RefusesInOneLineAndWritesNothing) {
  std::filesystem::create_directory(folder_ / "empty");
  const auto refuse = [&](const std::vector<std::string>& arguments, const std::string& fragment) {
    expect_refused(tune(arguments), fragment);
  };
  refuse({"--speedup", "x", "-o", config_}, "--speedup x");
  refuse({"--speedup", "0.5", "-o", config_}, "--speedup 0.5");
  refuse({"--speedup", "90", "-o", config_}, "expected at most about");
  refuse({"--fidelity", "1", "-o", config_}, "--fidelity 1");
  refuse({"--speedup", "2", "--fidelity", "0.9", "-o", config_}, "expected one of them");
  refuse({"--pictures", "1", "-o", config_}, "--pictures 1");
  refuse({"--threshold", "0.9", "-o", config_}, "does not go with tune");
  refuse({"--matching", "kth", "-o", config_}, "does not go with tune");
  refuse({"-o", folder_ / "none" / "merge.json"}, "there is no folder");
  expect_refused(run_fovea({"tune", vit_, folder_ / "empty", "-o", config_}),
                 "no .jpg, .jpeg, .png");
  expect_refused(run_fovea({"tune", vit_, picture("photo.jpg"), "-o", config_}),
                 "only one picture could be read");
  expect_refused(run_fovea({"tune", "vit_tiny_patch16_64", kPictures}), "expected --output");
  EXPECT_EQ(folder_.count(), 1U);
}

}  // namespace
}  // namespace fovea
