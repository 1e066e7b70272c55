// Calls of a training run that write fail, one at a time: it says so, and what it has written is
// whole.
#include <cerrno>

#include "tests/faults.h"
#include "tests/train/training_data.h"

namespace fovea {
namespace {

class TrainWrites : public testing::Test {
 protected:
  void SetUp() override {
    FOVEA_SKIP_WITH_SANITIZERS();
    write_training_data(folder_ / "data");
    write_file(folder_ / "recipe.json",
               R"({"width": 32, "depth": 1, "heads": 2, "img_size": 16, "patch_size": 4,
                   "crop": "padded", "epochs": 1, "warmup_epochs": 0, "batch_size": 36,
                   "log_every": 1, "checkpoint_minutes": 0})");
  }
  std::vector<std::string> arguments() const {
    return {"train",    folder_ / "recipe.json", "--data",    folder_ / "data",
            "--output", folder_ / "out",         "--threads", "1"};
  }
  void expect_whole_files() const {
    for (const auto& file : std::filesystem::directory_iterator(folder_ / "out")) {
      const std::filesystem::path& path = file.path();
      if (path.extension() == ".safetensors") SafeTensors::open(path);
      if (path.extension() == ".json") {
        EXPECT_TRUE(nlohmann::json::accept(read_all(path))) << path;
      }
    }
    EXPECT_EQ(left_behind(folder_ / "out"), std::set<std::string>());
  }

  TemporaryFolder folder_;
};

TEST_F(TrainWrites, AFailureEndsTheRunAndItsFilesAreWhole) {
  for (int number = 1;; number += 1 + number / 3) {
    SCOPED_TRACE(number);
    std::filesystem::remove_all(folder_ / "out");
    const std::string error = std::to_string(number % 2 == 0 ? ENOSPC : EIO);
    const FailedRun run = run_failing(
        "fail_writes", {"FOVEA_FAIL_AT=" + std::to_string(number), "FOVEA_FAIL_ERRNO=" + error},
        arguments());
    if (std::filesystem::exists(folder_ / "out")) expect_whole_files();
    if (!run.failed()) {
      EXPECT_EQ(run.finished.status, 0) << run.finished.err;
      EXPECT_GT(number, 20);
      return;
    }
    if (run.finished.status == 0) continue;  // done in another way
    EXPECT_EQ(run.finished.status, 2);
    EXPECT_THAT(lines_of(run.finished.err).back(), testing::StartsWith("fovea: "));
  }
}

}  // namespace
}  // namespace fovea
