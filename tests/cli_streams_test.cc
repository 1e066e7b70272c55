// Standard error that can't be written: the work goes on, and ends as it would have.
#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/cli_testing.h"

namespace fovea {
namespace {

class CliPipe : public testing::Test {
 protected:
  TemporaryFolder folder_;
};

class CliStreams : public testing::TestWithParam<std::string> {
 protected:
  // Commands that have something to say meanwhile.
  std::vector<std::vector<std::string>> commands() const {
    const std::string pictures = kPictures.string();
    const std::string labelled = folder_ / "labelled";
    for (int label = 0; label < 10; ++label) {
      const std::filesystem::path folder = folder_ / "labelled" / std::to_string(label);
      std::filesystem::create_directories(folder);
      std::filesystem::copy_file(picture("gray.png"), folder / "gray.png",
                                 std::filesystem::copy_options::overwrite_existing);
    }
    const std::string out = folder_ / "out";
    return {{"classify", "vit_tiny_patch32_64", picture("gray.png")},
            {"embed", "vit_tiny_patch32_64", pictures, "-o", out + ".npy"},
            {"evaluate", vit_, labelled},
            {"visualize", vit_, picture("gray.png"), "-o", out + ".png"},
            {"sweep", vit_, pictures, "--r", "2", "--passes", "1", "-o", out + ".csv"},
            {"convert", vit_, "-o", out + "-model"},
            {"tune", vit_, pictures, "--seconds", "1", "--speedup", "1.1", "-o", out + ".json"}};
  }

  TemporaryFolder folder_;
  const std::string vit_ = golden_path("vit");
};

TEST_P(CliStreams, AnErrorStreamThatTakesNothingStopsNoWork) {
  for (const std::vector<std::string>& arguments : commands()) {
    std::vector<std::string> words = {"-c", R"(exec "$0" "$@" )" + GetParam(), fovea_program()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    EXPECT_EQ(run_program("/bin/sh", words).status, 0) << arguments.front();
  }
}

TEST_F(CliPipe, AnErrorStreamThatNobodyReadsStopsNoWork) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto leave = [&](pid_t) { ::close(::open(pipe.c_str(), O_RDONLY)); };
  EXPECT_EQ(run_program(fovea_program(), {"classify", "vit_tiny_patch32_64", picture("gray.png")},
                        {.err = pipe}, leave)
                .status,
            0);
}

INSTANTIATE_TEST_SUITE_P(Streams, CliStreams, testing::Values("2>/dev/full", "2>&-"),
                         [](const auto& info) { return info.index == 0 ? "Full" : "Closed"; });

}  // namespace
}  // namespace fovea
