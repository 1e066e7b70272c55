// --merge-config: a file that says how tokens merge, on the commands that take such options.
#include <string>
#include <vector>

#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CliMergeConfig : public testing::Test {
 protected:
  std::string config(const std::string& text) const {
    write_file(folder_ / "merge.json", text);
    return folder_ / "merge.json";
  }
  std::vector<float> features(std::vector<std::string> options) const {
    const std::string output = folder_ / "features.npy";
    options.insert(options.begin(), {"embed", vit_, picture("photo.jpg"), "-o", output});
    expect_done(run_fovea(options));
    return read_npy(output).data;
  }
  void refuse(const std::string& text, const std::string& fragment) const {
    expect_refused(run_fovea({"inspect", vit_, "--merge-config", config(text)}), fragment);
  }

  TemporaryFolder folder_;
  const std::string vit_ = golden_path("vit");
};

TEST_F(CliMergeConfig, SaysWhatCouldBeTyped) {
  const auto same = [&](const std::string& text, const std::vector<std::string>& typed) {
    EXPECT_EQ(features({"--merge-config", config(text)}), features(typed)) << text;
  };
  same("{}", {});
  same(R"({"r": 4})", {"--r", "4"});
  same(R"({"r": [8, 0, 5], "metric": "x"})", {"--r", "8,0,5", "--metric", "x"});
  same(R"({"r": [8]})", {"--r", "8,0"});
  same(R"({"r": "8%"})", {"--r", "8%"});
  same(R"({"r": ["8%", 0, "12.5%"]})", {"--r", "8%,0,12.5%"});
  same(R"({"r": "8,0,5", "prop-attn": false})", {"--r", "8,0,5", "--prop-attn", "off"});
  same(R"({"r": 4, "inflect": -0.5, "prop-attn": "off"})",
       {"--r", "4", "--inflect", "-0.5", "--prop-attn", "off"});
}

TEST_F(CliMergeConfig, WhatIsTypedCountsMore) {
  const std::string file = config(R"({"r": 4, "inflect": -1, "metric": "x"})");
  EXPECT_EQ(features({"--merge-config", file, "--metric", "k"}),
            features({"--r", "4", "--inflect", "-1"}));
  EXPECT_EQ(features({"--merge-config", file, "--r", "8,0,5"}),
            features({"--r", "8,0,5", "--metric", "x"}));
}

TEST_F(CliMergeConfig, IsOneRunOfBenchUnlessRIsTyped) {
  const auto rows = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"bench",
                                          vit_,
                                          "--json",
                                          "--batch",
                                          "1",
                                          "--reps",
                                          "1",
                                          "--merge-config",
                                          config(R"({"r": [8, 0, 5]})")};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Finished done = run_fovea(arguments);
    expect_done(done);
    return json_lines_of(done.out);
  };
  ASSERT_EQ(rows({}).size(), 1U);
  EXPECT_EQ(rows({})[0].at("r"), json({8, 0, 5}));
  ASSERT_EQ(rows({"--r", "0,4"}).size(), 2U);
  EXPECT_EQ(rows({"--r", "0,4"})[1].at("r"), 4);
  // Commas separate runs, of shares as well: of 36 patches 11 % are 4, 4 and 3.
  const std::vector<json> shares = rows({"--r", "0,11%"});
  ASSERT_EQ(shares.size(), 2U);
  EXPECT_EQ(shares[1].at("r"), "11%");
  const Finished inspected = run_fovea({"inspect", vit_, "--json", "--r", "4,4,3"});
  EXPECT_EQ(shares[1].at("gflops_per_image"), json::parse(inspected.out).at("gflops"));
}

TEST_F(CliMergeConfig, RefusesInOneLine) {
  refuse("{", "merge.json: not JSON");
  refuse("[]", "merge.json: holds array; expected a JSON object");
  refuse(R"({"rr": 1})", "merge.json: unknown key rr; expected some of r, inflect");
  refuse(R"({"r": null})",
         "merge.json: r is null; expected a number of tokens, a share of them (\"8%\")");
  refuse(R"({"r": []})", "merge.json: r is []; expected");
  refuse(R"({"r": [1, "a"]})", "merge.json: r is [1,\"a\"]; expected");
  refuse(R"({"r": [1, -2]})", "merge.json: r is [1,-2]; expected");
  refuse(R"({"r": 1.5})", "merge.json: --r 1.5: expected a whole number of tokens");
  refuse(R"({"r": "51%"})", "merge.json: --r 51%: expected a share from 0% to 50%");
  refuse(R"({"r": "8%", "inflect": 1})", "--inflect 1: does not go with a share, --r 8%");
  refuse(R"({"metric": {}})", "merge.json: metric is {}; expected a number, a text");
  refuse(R"({"metric": "z"})", "merge.json: --metric z: expected one of");
  refuse(R"({"inflect": 3})", "merge.json: --inflect 3: expected a number from -1 to 1");
  refuse(R"({"r": [1, 2, 3, 4, 5, 6, 7]})", "r has 7 numbers, one for each layer; the model has");
  refuse(R"({"r": [1, 2], "inflect": -1})", "does not go with a number for every layer");
  expect_refused(run_fovea({"inspect", vit_, "--merge-config", folder_ / "none.json"}),
                 "none.json: ");
}

TEST_F(CliMergeConfig, TakesThePartsOfFovealMerging) {
  const auto inspect = [&](const std::string& text) {
    return run_fovea({"inspect", vit_, "--json", "--merge-config", config(text)});
  };
  expect_done(inspect(R"({"method": "foveal", "r": 4, "foveal-rounds": 1, "foveal-channels": 32,
                          "foveal-pairing": "alternate", "foveal-attention": 0.3,
                          "foveal-size": 0.1, "foveal-weight": 1})"));
  // The spread keeps the sum: 4 * 1.52, 4 and 4 * 0.48.
  const json line = json::parse(inspect(R"({"method": "foveal", "r": 4})").out);
  EXPECT_EQ(line["tokens_per_layer"], json({31, 27, 25}));
  refuse(R"({"method": "foveal", "metric": "x"})", "metric belongs to method tome");
  refuse(R"({"method": "fovea"})", "--method fovea: expected one of tome, foveal");
  refuse(R"({"foveal-rounds": 0})", "--foveal-rounds 0");
  refuse(R"({"foveal-pairing": "none"})", "--foveal-pairing none: expected one of all, alternate");
}

TEST_F(CliMergeConfig, IsOneMoreRunOfSweep) {
  const std::string file = config(R"({"r": [8, 0, 5], "metric": "x"})");
  const std::string csv = folder_ / "sweep.csv";
  expect_done(run_fovea({"sweep", vit_, kPictures, "--passes", "1", "--r", "2,4", "--merge-config",
                         file, "-o", csv}));
  const std::vector<std::string> lines = lines_of(read_text(csv));
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_THAT(lines[4], testing::StartsWith("\"8,0,5\",x,8,"));
  EXPECT_THAT(read_text(folder_ / "sweep.svg"), HasSubstr(">merge.json<"));
}

}  // namespace
}  // namespace fovea
