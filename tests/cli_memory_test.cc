// Allocations fail, one or all from one on: a command ends in one line, whichever it is.
#include <ostream>

#include "tests/faults.h"

namespace fovea {
namespace {

using testing::HasSubstr;

struct Command {
  std::string name;
  std::vector<std::string> arguments;  // OUT stands for a folder
};

void PrintTo(const Command& command, std::ostream* out) { *out << command.name; }

const std::string kVit = golden_path("vit");
const Command kCommands[] = {
    {"classify", {"classify", kVit, picture("photo.jpg"), picture("gray.png")}},
    {"embed", {"embed", kVit, kPictures, "-o", "OUT/a.npy", "--names", "OUT/a.txt"}},
    {"forward", {"forward", kVit, "--input", kVit + "/input.npy", "--output", "OUT/a.safetensors"}},
    {"evaluate", {"evaluate", kVit, "OUT/labelled"}},
    {"inspect", {"inspect", kVit, "--json"}},
    {"visualize", {"visualize", kVit, picture("gray.png"), "-o", "OUT/a.gif"}},
    {"convert", {"convert", kVit, "-o", "OUT/model"}},
};

class CliMemory : public testing::TestWithParam<Command> {
 protected:
  void SetUp() override {
    FOVEA_SKIP_WITH_SANITIZERS();
    for (int label = 0; label < 10; ++label) {
      const auto folder = out_ / "labelled" / std::to_string(label);
      std::filesystem::create_directories(folder);
      std::filesystem::copy_file(picture("gray.png"), folder / "gray.png");
    }
  }
  FailedRun run(int number, std::vector<std::string> settings) const {
    std::vector<std::string> arguments = GetParam().arguments;
    for (std::string& argument : arguments) {
      if (argument.starts_with("OUT")) argument.replace(0, 3, out_.path().string());
    }
    settings.push_back("FOVEA_FAIL_AT=" + std::to_string(number));
    return run_failing("fail_allocations", settings, arguments);
  }
  // The first allocations one by one, of the thousands that come then some.
  void fail_at_many(const std::vector<std::string>& settings) const {
    for (int number = 1;; number += 1 + number / 4) {
      const FailedRun failed = run(number, settings);
      SCOPED_TRACE(number);
      if (!failed.failed()) {
        EXPECT_EQ(failed.finished.status, 0) << failed.finished.err;
        EXPECT_GT(number, 300);
        return;
      }
      expect_told(failed.finished);
      EXPECT_EQ(left_behind(out_.path()), std::set<std::string>());
    }
  }
  // How many there are.
  int allocations() const {
    int made = 1, not_made = 1 << 20;
    while (not_made - made > 1) {
      const int number = (made + not_made) / 2;
      (run(number, {}).failed() ? made : not_made) = number;
    }
    return made;
  }
  // Some can be done without; a picture may be skipped; all else is one line, beside notes.
  static void expect_told(const Finished& finished) {
    EXPECT_LE(finished.status, 2) << finished.err;
    const std::vector<std::string> lines = lines_of(finished.err);
    if (finished.status == 2) {
      EXPECT_THAT(lines.back(), HasSubstr("not enough memory"));
    }
    for (const std::string& line : lines) {
      if (&line == &lines.back() && finished.status == 2) break;
      EXPECT_TRUE(line.starts_with("note: ") || line.starts_with("fovea: skipped: ")) << line;
    }
  }

  TemporaryFolder out_;
};

TEST_P(CliMemory, AnAllocationThatFailsEndsInOneLine) { fail_at_many({}); }

TEST_P(CliMemory, WhereNoneSucceedsAnyMoreItEndsInOneLine) { fail_at_many({"FOVEA_FAIL_ALL=1"}); }

INSTANTIATE_TEST_SUITE_P(Commands, CliMemory, testing::ValuesIn(kCommands),
                         [](const auto& info) { return info.param.name; });

// The last ones are those of the arithmetic, whose buffers go back in destructors.
using CliRunMemory = CliMemory;

TEST_P(CliRunMemory, AnyAllocationOfARunEndsInOneLine) {
  const int count = allocations();
  for (int number = count - 120; number <= count; ++number) {
    SCOPED_TRACE(number);
    expect_told(run(number, {}).finished);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Commands, CliRunMemory,
    testing::Values(Command{"classify", {"classify", kVit, picture("gray.png"), "--threads", "1"}}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace fovea
