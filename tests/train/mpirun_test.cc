// Training by several processes that mpirun starts, as users do it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "fovea/io/testing.h"
#include "tests/paths.h"
#include "tests/train/mpirun.h"
#include "tests/train/training_data.h"

namespace fovea {
namespace {

using testing::HasSubstr;

void wait_for(const std::filesystem::path& file) {
  for (int i = 0; i < 6000 && !std::filesystem::exists(file); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

class Mpirun : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_mpirun()) GTEST_SKIP() << kMpirun << " is not installed";
    write_training_data(data_);
    write_file(folder_ / "recipe.json",
               R"({"width": 32, "depth": 2, "heads": 2, "img_size": 32, "patch_size": 16,
                   "crop": "padded", "epochs": 2, "warmup_epochs": 1, "batch_size": 12,
                   "stem_widths": [8, 8, 16, 16], "lr": 0.002, "log_every": 1, "val_every": 0, "clip_grad": 1,
                   "amp": false})");
  }

  // `fovea train` with some keys of the recipe; one process is started without mpirun.
  Finished train(int processes, const std::string& output, const std::vector<std::string>& more,
                 const std::function<void(pid_t)>& meanwhile = {}) const {
    std::vector<std::string> arguments = {
        "train",    (folder_ / "recipe.json").string(), "--data",    data_.string(),
        "--output", (folder_ / output).string(),        "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return processes == 1 ? run_program(fovea_program(), arguments)
                          : run_processes(processes, fovea_program(), arguments, meanwhile);
  }
  std::map<int64_t, std::string> losses(const std::string& output) const {
    return logged_losses(folder_ / output);
  }

  TemporaryFolder folder_;
  std::filesystem::path data_ = folder_ / "data";
};

class MpirunTraining : public Mpirun, public testing::WithParamInterface<std::string> {};

TEST_P(MpirunTraining, GivesTheLossesOfOneProcess) {
  const std::vector<std::string> stem = {"--stem", GetParam(), "--json"};
  const Finished alone = train(1, "one", stem);
  ASSERT_EQ(alone.status, 0) << alone.err;
  const std::map<int64_t, std::string> want = losses("one");
  ASSERT_EQ(want.size(), 12);
  for (const int processes : {2, 3}) {
    const std::string output = std::to_string(processes);
    const Finished finished = train(processes, output, stem);
    ASSERT_EQ(finished.status, 0) << finished.err;
    EXPECT_EQ(std::count(finished.out.begin(), finished.out.end(), '\n'), 1) << finished.out;
    const std::map<int64_t, std::string> got = losses(output);
    ASSERT_EQ(got.size(), 12);
    for (const auto& [step, loss] : want) {
      EXPECT_NEAR(std::stod(got.at(step)), std::stod(loss), 1e-4 * std::stod(loss)) << step;
    }
    const auto top1 = [](const Finished& f) { return f.out.substr(f.out.find("\"top1\"")); };
    EXPECT_EQ(top1(finished), top1(alone));
  }
}

INSTANTIATE_TEST_SUITE_P(Stems, MpirunTraining, testing::Values("linear", "hmlp", "conv"),
                         [](const auto& info) { return info.param; });

using MpirunFails = Mpirun;

TEST_F(MpirunFails, WhereAProcessIsKilledAndResumeGoesOn) {
  const std::string checkpoint = (folder_ / "out" / "checkpoint.safetensors").string();
  const Finished killed =
      train(2, "out", {"--epochs", "1000", "--checkpoint-minutes", "0"}, [&](pid_t mpirun) {
        wait_for(checkpoint);
        const std::vector<pid_t> children = children_of(mpirun);
        ASSERT_EQ(children.size(), 2);
        ::kill(children[1], SIGKILL);
      });
  EXPECT_NE(killed.status, 0);
  EXPECT_THAT(killed.err, HasSubstr("exited on signal 9"));
  const int64_t done = losses("out").rbegin()->first;
  const std::string epochs = std::to_string(done / 6 + 2);
  const Finished resumed = train(2, "out", {"--epochs", epochs, "--resume"});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("going on after step"));
  EXPECT_EQ(losses("out").rbegin()->first, 6 * (done / 6 + 2));
}

TEST_F(MpirunFails, WhereAPictureIsCorruptAndNamesItAndTheProcess) {
  write_file(data_ / "train" / "class1" / "7.png", "not a picture");
  const Finished finished = train(2, "out", {});
  EXPECT_EQ(finished.status, 2);
  EXPECT_THAT(finished.err, testing::ContainsRegex("fovea: process [01] of 2: [^\n]*7.png"));
}

TEST_F(MpirunFails, WhereTheBatchCannotBeSharedOutAndSaysSoOnce) {
  const Finished finished = train(2, "out", {"--batch-size", "9"});
  EXPECT_EQ(finished.status, 2);
  const std::string message = "fovea: batch_size is 9; expected a multiple of the processes, 2\n";
  const size_t first = finished.err.find(message);
  EXPECT_NE(first, std::string::npos) << finished.err;
  EXPECT_EQ(finished.err.find(message, first + 1), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace fovea
