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
