// --speedup: the r that makes a model so many times cheaper, on every command that merges.
#include <fstream>
#include <string>
#include <vector>

#include "fovea/io/file.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CliSpeedup : public testing::Test {
 protected:
  CliSpeedup() { std::filesystem::copy(golden_path("vit"), vit_); }

  // What a command with these options says on standard output, and `note` beside it.
  static std::string out_of(std::vector<std::string> arguments,
                            const std::vector<std::string>& options, const std::string& note = "") {
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Finished done = run_fovea(arguments);
    EXPECT_EQ(done.status, 0) << done.err;
    if (note.empty()) {
      EXPECT_EQ(done.err, "");
    } else {
      EXPECT_THAT(done.err, testing::StartsWith("note: " + note));
    }
    return done.out;
  }
  json inspected(const std::vector<std::string>& options, const std::string& note = "") const {
    return json::parse(out_of({"inspect", vit_, "--json"}, options, note));
  }
  void tuned(const std::string& text) const {
    std::ofstream(std::filesystem::path(vit_) / "fovea.json") << text;
  }

  TemporaryFolder folder_;
  const std::string vit_ = folder_ / "vit";
  const std::string input_ = golden_path("vit") + "/input.npy";
};

TEST_F(CliSpeedup, IsTheLeastRThatReachesIt) {
  const json reached = inspected({"--speedup", "1.2"}, "--speedup 1.2: r 5, 0.006");
  EXPECT_EQ(reached.at("r"), "5");
  const double wanted = reached.at("gflops_dense").get<double>() / 1.2;
  EXPECT_LE(reached.at("gflops").get<double>(), wanted);
  EXPECT_GT(inspected({"--r", "4"}).at("gflops").get<double>(), wanted);
  EXPECT_EQ(inspected({"--speedup", "1.2", "--inflect", "-1"}, "--speedup 1.2: r 3 (inflect -1), ")
                .at("r"),
            "3 (inflect -1)");
}

TEST_F(CliSpeedup, IsOfTheSizeThatRuns) {
  const json larger = inspected({"--speedup", "1.2", "--size", "96"}, "--speedup 1.2: r ");
  EXPECT_GT(std::stoi(larger.at("r").get<std::string>()), 10);
  EXPECT_LE(larger.at("gflops").get<double>(), larger.at("gflops_dense").get<double>() / 1.2);
}

TEST_F(CliSpeedup, IsTakenByWhateverRuns) {
  const std::string folder = folder_ / "classes";
  for (const char* name : {"/a", "/b"}) {
    std::filesystem::create_directories(folder + name);
    std::filesystem::copy_file(picture("alpha.png"), folder + name + "/1.png");
  }
  const std::string out = folder_ / "out";
  const auto same = [&](const std::vector<std::string>& arguments, const std::string& file = "") {
    const std::string by_r = out_of(arguments, {"--r", "5"});
    const std::string written = file.empty() ? "" : read_text(file);
    EXPECT_EQ(out_of(arguments, {"--speedup", "1.2"}, "--speedup 1.2: r 5, "), by_r);
    EXPECT_EQ(file.empty() ? "" : read_text(file), written);
  };
  same({"forward", vit_, "--input", input_, "-o", out}, out);
  same({"classify", vit_, picture("alpha.png"), "--json"});
  same({"embed", vit_, picture("alpha.png"), "-o", out + ".npy"}, out + ".npy");
  same({"visualize", vit_, picture("alpha.png"), "--json", "-o", out + ".png"}, out + ".png");
  const auto gflops = [&](const std::vector<std::string>& options, const std::string& note) {
    return json::parse(out_of({"evaluate", vit_, folder, "--train", folder, "--knn", "1", "--json"},
                              options, note))
        .at("gflops_per_image");
  };
  EXPECT_EQ(gflops({"--speedup", "1.2"}, "--speedup 1.2: r 5, "), gflops({"--r", "5"}, ""));
}

TEST_F(CliSpeedup, MultipliesWhatTuneHasWritten) {
  tuned(R"({"r": [16, 8, 0], "metric": "x"})");
  EXPECT_EQ(inspected({}).at("r"), "0") << "without --speedup the file is no default";
  const std::string file = (std::filesystem::path(vit_) / "fovea.json").string();
  const json reached = inspected({"--speedup", "1.2"}, "--speedup 1.2: " + file + " times 0.");
  const std::string r = reached.at("r").get<std::string>();
  EXPECT_THAT(r, testing::MatchesRegex("([0-9]+),[0-9]+,0"));
  EXPECT_LE(reached.at("gflops").get<double>(), reached.at("gflops_dense").get<double>() / 1.2);
  const std::vector<std::string> classify = {"classify", vit_, picture("alpha.png"), "--json"};
  EXPECT_EQ(out_of(classify, {"--speedup", "1.2"}, "--speedup 1.2: " + file),
            out_of(classify, {"--r", r, "--metric", "x"}));
  EXPECT_EQ(out_of(classify, {"--speedup", "1.2", "--metric", "v"}, "--speedup 1.2: " + file),
            out_of(classify, {"--r", r, "--metric", "v"}))
      << "what is typed counts more";
  EXPECT_EQ(inspected({"--speedup", "1.2", "--inflect", "-1"}, "--speedup 1.2: r 3 (").at("r"),
            "3 (inflect -1)")
      << "another shape was asked for";
  std::filesystem::copy_file(file, folder_ / "merge.json");
  std::filesystem::remove(file);
  const std::string config = folder_ / "merge.json";
  EXPECT_EQ(
      inspected({"--speedup", "1.2", "--merge-config", config}, "--speedup 1.2: the schedule times")
          .at("r"),
      r);
}

TEST_F(CliSpeedup, CommasSeparateRunsOfBenchAndSweep) {
  const std::vector<std::string> bench = {"bench", vit_, "--json", "--batch", "1", "--reps", "1"};
  const std::vector<json> rows =
      json_lines_of(out_of(bench, {"--speedup", "1.2,1.3"}, "--speedup 1.2: r 5, "));
  ASSERT_EQ(rows.size(), 3U) << "the dense model first";
  EXPECT_EQ(rows[0].at("r"), 0);
  EXPECT_EQ(rows[1].at("r"), 5);
  EXPECT_EQ(rows[1].at("gflops_per_image"), inspected({"--r", "5"}).at("gflops"));
  EXPECT_EQ(rows[2].at("r"), 6);
  const std::string csv = folder_ / "sweep.csv";
  out_of({"sweep", vit_, kPictures, "--passes", "1", "-o", csv},
         {"--speedup", "1.2,1.3", "--metric", "k,x"}, "--speedup 1.2: r 5, ");
  const std::vector<std::string> lines = lines_of(read_text(csv));
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_THAT(lines[2], testing::StartsWith("5,k,"));
  EXPECT_THAT(lines[5], testing::StartsWith("6,x,"));
}

TEST_F(CliSpeedup, RefusesInOneLine) {
  const auto refuse = [&](std::vector<std::string> options, const std::string& fragment) {
    options.insert(options.begin(), {"inspect", vit_});
    expect_refused(run_fovea(options), fragment);
  };
  refuse({"--speedup", "9"}, "--speedup 9: is more than any r reaches of 48 x 48 pixels; expected");
  refuse({"--speedup", "2", "--r", "3"}, "--speedup 2: does not go with --r 3");
  refuse({"--speedup", "2", "--threshold", "0.9"}, "does not go with --threshold 0.9");
  refuse({"--speedup", "2", "--matching", "kth"}, "--speedup 2: does not go with matching kth");
  refuse({"--speedup", "0.9"}, "--speedup 0.9: expected a number from 1");
  refuse({"--speedup", "nan"}, "--speedup nan: expected a number from 1");
  refuse({"--speedup", "1.2,1.3"}, "--speedup 1.2,1.3: expected one number");
  expect_refused(run_fovea({"bench", vit_, "--speedup", "2", "--r", "0,4"}),
                 "--speedup 2: does not go with --r 0,4");
  tuned(R"({"r": "many"})");
  refuse({"--speedup", "1.2"}, "fovea.json: --r many: expected");
}

}  // namespace
}  // namespace fovea
