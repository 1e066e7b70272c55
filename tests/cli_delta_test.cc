// Every command takes MODEL+DELTA, as fine-tuning writes it.
#include <string>
#include <vector>

#include "fovea/model/delta.h"
#include "fovea/model/stored.h"
#include "fovea/model/testing.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

class CliDelta : public testing::Test {
 protected:
  // A head of two classes that always finds the second, over the golden "vit".
  void SetUp() override {
    const StoredModel base = open_stored(golden("vit"));
    const Array weight({2, 48});
    const Array bias({2}, {0.0F, 5.0F});
    Config config;
    config.labels = {"cat", "dog"};
    save_delta(base.checkpoint, {{weight, "head.weight"}, {bias, "head.bias"}}, config, delta_);
  }

  TemporaryFolder folder_;
  std::string delta_ = folder_ / "delta.safetensors";
  std::string model_ = golden_path("vit") + "+" + delta_;
};

TEST_F(CliDelta, AnswersWithItsHeadAndLabels) {
  const Finished classified =
      run_fovea({"classify", model_, picture("gray.png"), "--json", "--top", "1"});
  expect_done(classified);
  EXPECT_THAT(classified.out, testing::HasSubstr("\"dog\""));
  const Finished inspected = run_fovea({"inspect", model_, "--json"});
  expect_done(inspected);
  EXPECT_EQ(nlohmann::json::parse(inspected.out)["classes"], 2);
}

TEST_F(CliDelta, IsTakenByEveryCommand) {
  const std::string out = folder_ / "out";
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"forward", model_, "--input", golden_path("vit") + "/input.npy", "--output", out},
           {"embed", model_, picture("gray.png"), "-o", out + ".npy"},
           {"bench", model_, "--reps", "1", "--batch", "1", "--r", "0"},
           {"visualize", model_, picture("gray.png"), "-o", out + ".png"},
           {"convert", model_, "-o", out + "-whole"}}) {
    const Finished finished = run_fovea(arguments);
    EXPECT_EQ(finished.status, 0) << arguments.front() << ": " << finished.err;
  }
  const StoredModel whole = open_stored(out + "-whole");
  EXPECT_EQ(whole.architecture.classes, 2);
  EXPECT_THAT(whole.config.labels, testing::ElementsAre("cat", "dog"));
}

TEST_F(CliDelta, BenchRunsABigLittleModelAsItIs) {
  const std::string routed = golden_path("blvit-every-layer");
  const StoredModel base = open_stored(routed);
  const int64_t width = base.architecture.width;
  const std::string delta = folder_ / "routed.safetensors";
  save_delta(base.checkpoint, {{Array({2, width}), "head.weight"}, {Array({2}), "head.bias"}}, {},
             delta);
  const Finished bench =
      run_fovea({"bench", routed + "+" + delta, "--batch", "1", "--reps", "1", "--json"});
  expect_done(bench);
  const std::vector<nlohmann::json> rows = json_lines_of(bench.out);
  ASSERT_EQ(rows.size(), 1U);  // not r 0 and 13, as of a plain ViT
  EXPECT_EQ(rows[0]["r"], 0);
}

TEST_F(CliDelta, TuneWritesBesideTheDelta) {
  EXPECT_EQ(run_fovea({"tune", model_, kPictures, "--speedup", "1.1", "--seconds", "1"}).status, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "fovea.json"));
}

// Without its base a delta fits nothing any more.
TEST_F(CliDelta, NothingIsWrittenOverItsParts) {
  const std::string base = folder_ / "vit";
  write_changed_model(base, [](std::vector<TensorToWrite>&) {});
  const std::string model = base + "+" + delta_;
  const std::string before = read_all(base + "/model.safetensors");
  expect_refused(run_fovea({"convert", model, "-o", base}), "is the model itself");
  const std::string input = golden_path("vit") + "/input.npy";
  for (const std::string& part : {base + "/model.safetensors", base + "/config.json", delta_}) {
    expect_refused(run_fovea({"forward", model, "--input", input, "-o", part}),
                   part + ": is part of the model");
    expect_refused(run_fovea({"embed", model, picture("gray.png"), "-o", part}),
                   part + ": is part of the model");
    expect_refused(run_fovea({"embed", model, picture("gray.png"), "-o", folder_ / "rows.npy",
                              "--names", part}),
                   part + ": is part of the model");
    expect_refused(run_fovea({"tune", model, kPictures, "-o", part}), "is part of the model");
    expect_refused(run_fovea({"sweep", model, kPictures, "-o", part}), "is part of the model");
  }
  EXPECT_TRUE(read_all(base + "/model.safetensors") == before);
}

TEST_F(CliDelta, MustBeThereAndFit) {
  expect_refused(run_fovea({"inspect", golden_path("vit") + "+" + (folder_ / "none").string()}),
                 "none");
  expect_refused(run_fovea({"inspect", golden_path("vit") + "+"}), "expected the name of a delta");
  expect_refused(run_fovea({"inspect", golden_path("vit-odd") + "+" + delta_}),
                 "was made of another model than " + golden_path("vit-odd"));
  expect_refused(run_fovea({"inspect", delta_}), "holds only what a training changed");
  expect_refused(run_fovea({"inspect", "vit_tiny_patch16_224+" + delta_}),
                 "no such file or folder");
}

}  // namespace
}  // namespace fovea
