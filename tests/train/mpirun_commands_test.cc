// `fovea evaluate` and `fovea embed` by several processes that mpirun starts, as users do it.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "fovea/io/file.h"
#include "tests/cli_testing.h"
#include "tests/paths.h"
#include "tests/terminal.h"
#include "tests/train/mpirun.h"
#include "tests/train/training_data.h"

namespace fovea {
namespace {

using testing::HasSubstr;

class MpirunCommands : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_mpirun()) GTEST_SKIP() << kMpirun << " is not installed";
    write_training_data(folder_ / "data");
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // One process is started without mpirun.
  static Finished run(int processes, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--threads", "1"});
    return processes == 1 ? run_program(fovea_program(), arguments)
                          : run_processes(processes, fovea_program(), arguments);
  }
  Finished embed(int processes, std::vector<std::string> more) const {
    const std::string name = std::to_string(processes);
    more.insert(more.begin(), {"embed", vit_});
    more.insert(more.end(), {"-o", path(name + ".npy"), "--names", path(name + ".txt")});
    return run(processes, more);
  }
  void expect_same_files(const std::string& a, const std::string& b) const {
    for (const char* ending : {".npy", ".txt"}) {
      EXPECT_EQ(read_all(path(a + ending)), read_all(path(b + ending))) << ending;
      EXPECT_NE(read_all(path(a + ending)), "");
    }
  }
  // The figures of `fovea evaluate`, but for its speed.
  static void expect_same_answers(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const auto figures = [&](int processes) {
      const Finished finished = run(processes, arguments);
      EXPECT_EQ(finished.status, 0) << finished.err;
      const std::vector<nlohmann::json> lines = json_lines_of(finished.out);
      EXPECT_EQ(lines.size(), 1) << finished.out;
      EXPECT_LE(times(finished.err, "sorted order"), 1) << finished.err;
      nlohmann::json object = lines.at(0);
      EXPECT_GT(object["images_per_second"].get<double>(), 0);
      object.erase("images_per_second");
      return object;
    };
    const nlohmann::json want = figures(1);
    EXPECT_GT(want["top1"].get<double>(), 0);
    for (const int processes : {2, 3}) {
      const nlohmann::json got = figures(processes);
      ASSERT_EQ(got.size(), want.size());
      for (const auto& [key, value] : want.items()) {
        EXPECT_NEAR(got[key].get<double>(), value.get<double>(), 1e-9) << key;
      }
    }
  }
  static int times(const std::string& text, const std::string& part) {
    int count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++count;
    return count;
  }

  TemporaryFolder folder_;
  const std::string vit_ = golden_path("vit");
  const std::string headless_ = golden_path("features");
};

TEST_F(MpirunCommands, EmbedWritesTheFilesOfOneProcess) {
  for (const std::vector<std::string>& dense : {{}, std::vector<std::string>{"--dense"}}) {
    std::vector<std::string> arguments = {path("data/val"), "--r", "2", "--batch", "3"};
    arguments.insert(arguments.end(), dense.begin(), dense.end());
    ASSERT_EQ(embed(1, arguments).status, 0);
    for (const int processes : {2, 3}) {
      const Finished finished = embed(processes, arguments);
      ASSERT_EQ(finished.status, 0) << finished.err;
      expect_same_files(std::to_string(processes), "1");
    }
  }
}

// mpirun gives its processes pipes; who sends their messages to a terminal sees one bar, and its
// end.
TEST_F(MpirunCommands, TheFirstDrawsHowFarItsShareIs) {
  const PseudoTerminal terminal;
  if (!terminal.is_there()) GTEST_SKIP() << "no pseudo terminal here";
  const std::string command = R"(exec "$0" "$@" 2>)" + terminal.name();
  const Finished finished =
      run_processes(2, "/bin/sh",
                    {"-c", command, fovea_program(), "embed", vit_, path("data/val"), "-o",
                     path("x.npy"), "--threads", "1"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  const std::string drawn = terminal.drawn();
  EXPECT_THAT(drawn, HasSubstr(" 12/12 "));  // of 24 pictures
  EXPECT_EQ(times(drawn, " 12/12 "), 1) << drawn;
}

TEST_F(MpirunCommands, EmbedLeavesOutWhatCannotBeReadAndSaysSoOnce) {
  const std::string corrupt = path("data/val/class2/7.png");
  write_file(corrupt, "not a picture");
  const std::vector<std::string> arguments = {path("data/val"), path("missing")};
  ASSERT_EQ(embed(1, arguments).status, 1);
  const Finished finished = embed(2, arguments);
  EXPECT_EQ(finished.status, 1);
  EXPECT_EQ(times(finished.err, corrupt), 1) << finished.err;
  EXPECT_EQ(times(finished.err, path("missing")), 1) << finished.err;
  expect_same_files("2", "1");
}

TEST_F(MpirunCommands, EmbedGivesSomeProcessesNothingWhereThereIsLittle) {
  const std::vector<std::string> arguments = {path("data/val/class0/0.png"),
                                              path("data/val/class1/0.png")};
  ASSERT_EQ(embed(1, arguments).status, 0);
  ASSERT_EQ(embed(3, arguments).status, 0);
  expect_same_files("3", "1");
}

TEST_F(MpirunCommands, EmbedThatIsEndedKeepsTheRowsOfAllProcessesAndGoesOn) {
  // So many that the signal comes before the end, also on a busy machine.
  std::vector<std::string> arguments = {"--batch", "1"};
  for (int i = 0; i < 30; ++i)
    arguments.insert(arguments.begin(), {path("data/val"), path("data/train")});
  ASSERT_EQ(embed(1, arguments).status, 0);
  std::vector<std::string> all = arguments;
  all.insert(all.begin(), {"embed", vit_, "-o", path("2.npy"), "--names", path("2.txt")});
  const Finished ended = run_processes(2, fovea_program(), all, [](pid_t mpirun) {
    while (children_of(mpirun).size() < 2)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    for (const pid_t child : children_of(mpirun)) signal_when_it_listens(child, SIGTERM);
  });
  EXPECT_EQ(ended.status, 1) << ended.err;
  EXPECT_EQ(times(ended.err, "interrupted: what is written covers"), 1) << ended.err;
  std::vector<std::string> resumed = arguments;
  resumed.emplace_back("--resume");
  ASSERT_EQ(embed(2, resumed).status, 0);
  expect_same_files("2", "1");
}

TEST_F(MpirunCommands, RefuseWhatOneProcessRefusesInOneLine) {
  write_file(path("a.png"), "not a picture");
  write_file(path("b.png"), "not a picture");
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"embed", vit_, path("data/val"), "-o", path("none/x.npy")},
           {"embed", vit_, path("a.png"), path("b.png"), "-o", path("x.npy")},
           {"evaluate", vit_, path("data/val")},  // three classes, not ten
           {"evaluate", vit_, path("none")},
           {"evaluate", vit_, path("data/val"), "--train", path("data/train"), "--knn", "100"},
       }) {
    const Finished alone = run(1, arguments);
    ASSERT_EQ(alone.status, 2);
    const std::string message = lines_of(alone.err).back();
    const Finished finished = run(2, arguments);
    EXPECT_EQ(finished.status, 2);
    EXPECT_EQ(times(finished.err, message), 1) << finished.err;
  }
}

TEST_F(MpirunCommands, EvaluateCountsThePicturesOfAllByTheHead) {
  for (int label = 0; label < 10; ++label) {  // as many classes as the model has
    for (int i = 0; i < 3; ++i) {
      const auto file = folder_ / "ten" / std::to_string(label) / (std::to_string(i) + ".png");
      std::filesystem::create_directories(file.parent_path());
      write_file(file, encode_png(training_picture(label % 3, 10 * i + label)));
    }
  }
  expect_same_answers({"evaluate", vit_, path("ten"), "--r", "2"});
}

TEST_F(MpirunCommands, EvaluateGoesByTheNearestPicturesThatAnyHasSeen) {
  expect_same_answers(
      {"evaluate", headless_, path("data/val"), "--train", path("data/train"), "--knn", "5"});
}

}  // namespace
}  // namespace fovea
