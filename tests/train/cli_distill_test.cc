// `fovea distill` of a Segment Anything from outside, and the commands that take what it wrote.
#include <string>
#include <vector>

#include "fovea/io/npy.h"
#include "tests/cli_testing.h"
#include "tests/train/mpirun.h"
#include "tests/train/segment_data.h"
#include "tests/train/training_data.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CliDistillSegment : public testing::Test {
 protected:
  CliDistillSegment() {
    recipe_.depth = 3;
    recipe_.epochs = 2;
    recipe_.output = path("teacher");
    write_file(folder_ / "plain.json", recipe_text(recipe_));
    write_file(folder_ / "distill.json",
               R"({"objective": "segment", "keep_ratio": 0.5, "predict_after": [1, 2],
                   "little_width": 12, "little_heads": 2, "masks_per_image": 2, "scale": [0.5, 1],
                   "epochs": 2, "batch_size": 8, "lr": 0.002, "warmup_epochs": 1, "log_every": 1,
                   "model_ema": 0.9, "amp": false})");
    const Finished finished = run_fovea({"train", path("plain.json"), "--threads", "1"});
    EXPECT_EQ(finished.status, 0) << finished.err;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> distill(const std::string& output,
                                   const std::vector<std::string>& more = {},
                                   const std::string& teacher = "") const {
    std::vector<std::string> all = {"distill",   path("distill.json"),
                                    "--teacher", teacher.empty() ? path("teacher") : teacher,
                                    "--data",    path("data"),
                                    "--output",  path(output),
                                    "--threads", "1",
                                    "--json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  TemporaryFolder folder_;
  Recipe recipe_ = segment_recipe(folder_.path());
};

TEST_F(CliDistillSegment, MakesAModelThatEveryCommandTakes) {
  const Finished made = run_fovea(distill("out"));
  ASSERT_EQ(made.status, 0) << made.err;
  const json line = json::parse(made.out);
  EXPECT_EQ(line.at("steps"), 4);
  EXPECT_FALSE(line.contains("top1"));
  const std::string out = path("out");
  const json config = json::parse(read_text(out + "/config.json"));
  EXPECT_EQ(config.at("model_args").at("keep_ratio"), 0.5);
  EXPECT_EQ(config.at("model_args").at("predict_after"), json({1, 2}));

  const Finished inspected = run_fovea({"inspect", out});
  expect_done(inspected);
  EXPECT_THAT(inspected.out, HasSubstr("LITTLE        of width 12, 2 heads, MLP 48"));
  EXPECT_THAT(inspected.out, HasSubstr("chosen after layers: 1 2"));

  const std::string photo = path("data/train/3.png");
  const Finished segmented = run_fovea({"segment", out, photo, "--point", "20,20", "--json"});
  expect_done(segmented);
  EXPECT_EQ(json::parse(segmented.out).at("masks").size(), 1U);

  expect_done(run_fovea({"preprocess", out, photo, "-o", path("x.npy")}));
  EXPECT_EQ(read_npy(path("x.npy")).shape, (Shape{1, 3, 64, 64}));
  expect_done(run_fovea({"forward", out, "--input", path("x.npy"), "-o", path("y.safetensors")}));
  const SafeTensors result = SafeTensors::open(path("y.safetensors"));
  EXPECT_EQ(result.tensors().at("embedding").shape, (Shape{1, 32, 8, 8}));
  EXPECT_EQ(result.tensors().at("routes.2").shape, (Shape{1, 36}));

  const Finished evaluated =
      run_fovea({"evaluate", out, path("data/train"), "--prompt-kinds", "point,box", "--json"});
  expect_done(evaluated);
}

TEST_F(CliDistillSegment, ProcessesLearnTogetherAndGoOn) {
  if (!has_mpirun()) GTEST_SKIP() << kMpirun << " is not installed";
  const Finished made = run_processes(2, fovea_program(), distill("out"));
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(logged_losses(path("out")).size(), 4U);
  const Finished more =
      run_processes(2, fovea_program(), distill("out", {"--epochs", "3", "--resume"}));
  ASSERT_EQ(more.status, 0) << more.err;
  EXPECT_THAT(more.err, HasSubstr("going on after step 4 of 6"));
  EXPECT_EQ(logged_losses(path("out")).size(), 6U);
}

TEST_F(CliDistillSegment, RefusesInOneLine) {
  expect_refused(run_fovea(distill("out", {"--distillation", "hard"})),
                 "objective is segment and distillation is hard; expected feature");
  expect_refused(run_fovea(distill("out", {}, golden_path("vit"))),
                 "has no mask decoder, so it can't segment");
  expect_refused(run_fovea(distill("out", {"--delta", "true"})), "delta is true");
  expect_refused(run_fovea(distill("out", {"--img-size", "100"})),
                 "img_size is 100; expected a multiple of the patch, 8");
}

}  // namespace
}  // namespace fovea
