// `fovea embed` that is interrupted, and goes on; the other long commands that are told to end.
#include <signal.h>

#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

class CliResume : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> arguments(const std::string& name,
                                     std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"embed", vit_, kPictures, "--batch", "1", "--threads", "1", "-o",
                               path(name + ".npy"), "--names", path(name + ".txt")});
    return more;
  }
  void expect_same_files(const std::string& a, const std::string& b) const {
    for (const char* ending : {".npy", ".txt"}) {
      EXPECT_EQ(read_all(path(a + ending)), read_all(path(b + ending))) << ending;
    }
  }
  // What a run of some rows of the whole one would have left.
  void write_part(const std::vector<int64_t>& rows) const {
    const Array all = read_npy(path("whole.npy"));
    const std::vector<std::string> names = lines_of(read_text(path("whole.txt")));
    const int64_t size = all.shape[1];
    Array part({static_cast<int64_t>(rows.size()), size});
    std::string text;
    for (size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(all.data.begin() + rows[i] * size, size, part.data.begin() + i * size);
      text += names[rows[i]] + "\n";
    }
    write_npy(path("part.npy"), part);
    write_file(path("part.txt"), text);
  }

  TemporaryFolder folder_;
  const std::string vit_ = golden_path("vit");
};

TEST_F(CliResume, KeepsTheRowsSoFarAndGoesOnToTheSameFiles) {
  expect_done(run_fovea(arguments("whole")));
  for (const int signal : {SIGINT, SIGTERM}) {
    const Finished ended = run_program(fovea_program(), arguments("part"), {}, [&](pid_t process) {
      signal_when_it_listens(process, signal);
    });
    ASSERT_EQ(ended.status, 1) << ended.err;
    EXPECT_EQ(lines_of(ended.err).size(), 1U) << ended.err;
    const Array part = read_npy(path("part.npy"));
    const auto rows = static_cast<size_t>(part.shape[0]);
    EXPECT_THAT(ended.err, HasSubstr("interrupted: what is written covers " + std::to_string(rows) +
                                     " of 8 pictures; --resume goes on from here"));
    EXPECT_EQ(lines_of(read_text(path("part.txt"))).size(), rows);
    expect_done(run_fovea(arguments("part", {"--resume"})));
    expect_same_files("part", "whole");
  }
}

TEST_F(CliResume, FillsInWhateverIsMissing) {
  expect_done(run_fovea(arguments("whole")));
  for (const std::vector<int64_t>& rows :
       {std::vector<int64_t>{1, 4, 7}, {0, 1, 2, 3, 4, 5, 6, 7}, {7}}) {
    write_part(rows);
    expect_done(run_fovea(arguments("part", {"--resume"})));
    expect_same_files("part", "whole");
  }
  expect_done(run_fovea(arguments("new", {"--resume"})));  // nothing is there
  expect_same_files("new", "whole");
}

TEST_F(CliResume, TriesAgainWhatCouldNotBeRead) {
  write_file(path("broken.jpg"), "text");
  const std::vector<std::string> broken = {path("broken.jpg"), "--resume"};
  EXPECT_EQ(run_fovea(arguments("whole", {path("broken.jpg")})).status, 1);
  const std::string before = read_all(path("whole.npy"));
  const Finished again = run_fovea(arguments("whole", broken));
  EXPECT_EQ(again.status, 1) << "all others are there";
  EXPECT_THAT(again.err, HasSubstr("skipped: "));
  EXPECT_EQ(read_all(path("whole.npy")), before);
  std::filesystem::copy_file(picture("gray.png"), path("broken.jpg"),
                             std::filesystem::copy_options::overwrite_existing);
  expect_done(run_fovea(arguments("whole", broken)));
  EXPECT_EQ(read_npy(path("whole.npy")).shape[0], 9);
}

TEST_F(CliResume, RefusesFilesThatDontFit) {
  expect_done(run_fovea(arguments("whole")));
  write_part({0, 1, 2});
  const auto resume = [&](const std::vector<std::string>& more) {
    return run_fovea(arguments("part", more));
  };
  expect_refused(run_fovea({"embed", vit_, kPictures, "-o", path("part.npy"), "--resume"}),
                 "--resume: expected --names FILE as well");
  expect_refused(resume({"--resume", "--dense"}), "part.npy: is [3, 48]; expected [3, ");
  expect_refused(run_fovea({"embed", golden_path("vit-odd"), kPictures, "-o", path("part.npy"),
                            "--names", path("part.txt"), "--resume"}),
                 "part.npy: is [3, 48]; expected [3, 80]");
  const std::string names = read_text(path("part.txt"));
  write_file(path("part.txt"), names + picture("photo.jpg") + "\n");
  expect_refused(resume({"--resume"}), "part.npy: is [3, 48]; expected [4, 48]");
  write_file(path("part.txt"), names + "other.jpg\n");
  expect_refused(resume({"--resume"}), "part.txt: line 4 is other.jpg; expected pictures that are");
  std::filesystem::remove(path("part.txt"));
  expect_refused(resume({"--resume"}), "part.npy is there without");
  EXPECT_EQ(read_npy(path("part.npy")).shape[0], 3) << "refused before anything was written";
}

// What is done so far is said or written, if there is anything.
TEST_F(CliResume, OtherLongCommandsEndLikewise) {
  for (int label = 0; label < 10; ++label) {
    const auto folder = folder_ / "labelled" / std::to_string(label);
    std::filesystem::create_directories(folder);
    for (const char* name : {"a.png", "b.png", "c.png"}) {
      std::filesystem::copy_file(picture("gray.png"), folder / name);
    }
  }
  const std::string labelled = path("labelled");
  const auto ended = [](const std::vector<std::string>& arguments) {
    return run_program(fovea_program(), arguments, {},
                       [](pid_t process) { signal_when_it_listens(process, SIGTERM); });
  };
  const Finished evaluated = ended({"evaluate", vit_, labelled, "--batch", "1", "--json"});
  EXPECT_EQ(evaluated.status, 1) << evaluated.err;
  EXPECT_THAT(evaluated.err, HasSubstr("interrupted"));
  EXPECT_LT(nlohmann::json::parse(evaluated.out).at("images"), 30);
  const Finished tuned =
      ended({"tune", vit_, labelled, "--seconds", "100", "-o", path("a.json"), "--json"});
  EXPECT_EQ(tuned.status, 1) << tuned.err;
  EXPECT_THAT(tuned.err, HasSubstr("interrupted"));
  EXPECT_TRUE(std::filesystem::exists(path("a.json")));
  const Finished swept =
      ended({"sweep", vit_, labelled, "--r", "2", "--passes", "1000", "-o", path("a.csv")});
  EXPECT_THAT(swept.err, HasSubstr("interrupted"));
  EXPECT_EQ(swept.status, std::filesystem::exists(path("a.csv")) ? 1 : 2);
}

}  // namespace
}  // namespace fovea
