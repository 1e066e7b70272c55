// Every call of a command that writes fails once: the command says so, and what was there stays.
#include <cerrno>
#include <map>
#include <ostream>

#include "tests/faults.h"

namespace fovea {
namespace {

using testing::HasSubstr;

struct Writer {
  std::string name;
  std::vector<std::string> arguments;  // OUT stands for a folder
  std::vector<std::string> files;      // that it writes there
};

void PrintTo(const Writer& writer, std::ostream* out) { *out << writer.name; }

const std::string kVit = golden_path("vit");
const Writer kWriters[] = {
    {"embed",
     {"embed", kVit, kPictures, "-o", "OUT/a.npy", "--names", "OUT/a.txt"},
     {"a.npy", "a.txt"}},
    {"convert", {"convert", kVit, "-o", "OUT"}, {"model.safetensors", "config.json"}},
    {"forward",
     {"forward", kVit, "--input", kVit + "/input.npy", "--output", "OUT/a.safetensors"},
     {"a.safetensors"}},
    {"visualize_png",
     {"visualize", kVit, picture("gray.png"), "--r", "4", "-o", "OUT/a.png"},
     {"a.png"}},
    {"visualize_gif",
     {"visualize", kVit, picture("gray.png"), "--r", "4", "-o", "OUT/a.gif"},
     {"a.gif"}},
    {"sweep",
     {"sweep", kVit, kPictures, "--r", "2", "--passes", "1", "-o", "OUT/a.csv"},
     {"a.csv", "a.svg"}},
    {"tune",
     {"tune", kVit, kPictures, "--speedup", "1.1", "--seconds", "1", "-o", "OUT/a.json"},
     {"a.json"}},
};

class CliWrites : public testing::TestWithParam<Writer> {
 protected:
  void SetUp() override { FOVEA_SKIP_WITH_SANITIZERS(); }

  // With its `number`-th call failing; 0: none.
  FailedRun run(int number, const std::filesystem::path& out) const {
    std::vector<std::string> arguments = GetParam().arguments;
    for (std::string& argument : arguments) {
      if (argument.starts_with("OUT")) argument.replace(0, 3, out.string());
    }
    const int error = number % 2 == 0 ? ENOSPC : EIO;
    return run_failing(
        "fail_writes",
        {"FOVEA_FAIL_AT=" + std::to_string(number), "FOVEA_FAIL_ERRNO=" + std::to_string(error)},
        arguments);
  }
  static void expect_one_line(const Finished& finished) {
    EXPECT_TRUE(finished.status == 1 || finished.status == 2) << finished.status;
    std::vector<std::string> lines = lines_of(finished.err);
    std::erase_if(lines, [](const std::string& line) { return line.starts_with("note: "); });
    EXPECT_EQ(lines.size(), 1U) << finished.err;
    EXPECT_THAT(finished.err, testing::AnyOf(HasSubstr("Input/output error"),
                                             HasSubstr("No space left on device")));
  }
  // How many of the files are still what they were.
  size_t untouched(const std::filesystem::path& out) const {
    size_t count = 0;
    for (const std::string& file : GetParam().files) {
      const std::string text = read_all(out / file);
      EXPECT_NE(text, "") << file;
      if (text == "old") ++count;
    }
    return count;
  }
};

TEST_P(CliWrites, AFailureKeepsTheOldFilesAndLeavesNothingElse) {
  for (int number = 1;; ++number) {
    ASSERT_LT(number, 100);
    const TemporaryFolder out;
    for (const std::string& file : GetParam().files) write_file(out / file, "old");
    const FailedRun failed = run(number, out.path());
    SCOPED_TRACE(testing::PrintToString(failed.calls));
    EXPECT_EQ(left_behind(out.path()), std::set<std::string>());
    if (failed.finished.status == 0) {  // done in another way
      EXPECT_EQ(untouched(out.path()), 0U);
    } else {
      expect_one_line(failed.finished);
      EXPECT_EQ(untouched(out.path()), GetParam().files.size());
    }
    if (!failed.failed()) break;
  }
}

TEST_P(CliWrites, AFailureBeforeThereWasAnythingLeavesNothing) {
  for (int number = 1;; ++number) {
    const TemporaryFolder out;
    const FailedRun failed = run(number, out.path());
    SCOPED_TRACE(testing::PrintToString(failed.calls));
    EXPECT_EQ(out.count(), failed.finished.status == 0 ? GetParam().files.size() : 0U);
    if (!failed.failed()) break;
    if (GetParam().name == "tune") break;  // it takes a second, and is like the others
  }
}

TEST_P(CliWrites, BytesAreOnTheDiskBeforeTheirNameIsAndTheNameAtTheEnd) {
  const TemporaryFolder out;
  for (const std::string& file : GetParam().files) write_file(out / file, "old");
  std::map<std::string, std::vector<size_t>> places;
  const std::vector<std::string> calls = run(0, out.path()).calls;
  for (size_t i = 0; i < calls.size(); ++i) places[calls[i]].push_back(i);
  const size_t files = GetParam().files.size();
  ASSERT_EQ(places["rename"].size(), files) << testing::PrintToString(calls);
  ASSERT_EQ(places["fsync"].size(), 2 * files) << testing::PrintToString(calls);
  EXPECT_LT(places["fsync"][files - 1], places["rename"].front());
  EXPECT_GT(places["fsync"][files], places["rename"].back());
  EXPECT_GT(places["fsync"].front(), places["write"].front());
}

INSTANTIATE_TEST_SUITE_P(Writers, CliWrites, testing::ValuesIn(kWriters),
                         [](const auto& info) { return info.param.name; });

TEST(CliOutput, AFullStandardOutputIsNoticedByAll) {
  const TemporaryFolder folder;
  const std::string vit = golden_path("vit");
  const std::vector<std::vector<std::string>> commands = {
      {"inspect", vit},
      {"inspect", vit, "--json"},
      {"classify", vit, picture("gray.png"), "--json"},
      {"bench", "vit_tiny_patch32_64", "--reps", "1"},
      {"embed", "--help"},
      {"--version"}};
  for (const std::vector<std::string>& arguments : commands) {
    expect_refused(run_fovea(arguments, {.out = "/dev/full"}), "standard output cannot be written");
  }
}

}  // namespace
}  // namespace fovea
