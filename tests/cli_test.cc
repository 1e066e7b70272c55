// The whole program from outside: help, wrong usage, `inspect` and `bench`.
#include <ostream>
#include <string>
#include <vector>

#include "tests/cli_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kCommands[] = {"classify", "embed", "forward",
                                     "inspect",  "bench", "visualize"};

// The keys of an object, in the order in which they are written.
std::vector<std::string> keys_of(const std::string& line) {
  std::vector<std::string> keys;
  const auto object = nlohmann::ordered_json::parse(line);
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST(CliHelp, ProgramAloneExplainsItself) {
  const Finished alone = run_fovea({});
  expect_done(alone);
  for (const char* command : kCommands) EXPECT_THAT(alone.out, HasSubstr(command));
  EXPECT_EQ(run_fovea({"--help"}).out, alone.out);
}

TEST(CliHelp, EveryCommandHasAnExample) {
  for (const std::string command : kCommands) {
    const Finished help = run_fovea({command, "--help"});
    expect_done(help);
    EXPECT_THAT(help.out, AllOf(HasSubstr("\n  fovea " + command + " "), HasSubstr("--inflect")));
  }
}

TEST(CliHelp, NoLineIsTooLongForATerminal) {
  for (const std::string command : kCommands) {
    for (const std::string& line : lines_of(run_fovea({command, "--help"}).out)) {
      EXPECT_LE(line.size(), 100U) << line;
    }
  }
}

TEST(CliHelp, Version) {
  const Finished version = run_fovea({"--version"});
  expect_done(version);
  EXPECT_THAT(version.out,
              testing::MatchesRegex("fovea [0-9]+\\.[0-9]+\\.[0-9]+ \\([a-z0-9_]+\\)\n"));
}

struct WrongUsage {
  std::string name;
  std::vector<std::string> arguments;
  std::string fragment;
};

void PrintTo(const WrongUsage& usage, std::ostream* out) { *out << usage.name; }

std::vector<std::string> inspect_with(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"inspect", golden_path("vit")};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::vector<std::string> bench_with(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"bench", "vit_tiny_patch32_64"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

class CliUsage : public testing::TestWithParam<WrongUsage> {};

TEST_P(CliUsage, IsRefusedInOneLine) {
  expect_refused(run_fovea(GetParam().arguments), GetParam().fragment);
}

const WrongUsage kWrongUsages[] = {
    {"command", {"clasify"}, "unknown command clasify; expected classify, embed"},
    {"option_alone", {"--nonsense"}, "unknown option --nonsense"},
    {"option", inspect_with({"--nonsense", "3"}), "unknown option --nonsense (fovea inspect"},
    {"misspelt_required", {"forward", "m", "--inptu", "x"}, "unknown option --inptu"},
    {"required", {"forward", "m", "--input", "x"}, "--output is required"},
    {"no_model", {"inspect"}, "MODEL is required"},
    {"no_model_to_measure", {"bench"}, "MODEL is required"},
    {"bench_list", {"bench", "--list", "resnet"}, "--list resnet: no named architecture"},
    {"no_picture", {"classify", "m"}, "FILE is required"},
    {"too_many", inspect_with({"other"}), "unexpected argument other"},
    {"no_value", inspect_with({"--r"}), "--r: expected one value"},
    {"twice", inspect_with({"--r", "1", "--r", "2"}), "--r: expected one value, and only once"},
    {"flag_value", inspect_with({"--json=seven"}), "--json = seven; expected no value"},
    {"r_negative", inspect_with({"--r", "-1"}), "--r -1: expected a whole number of tokens"},
    {"r_word", inspect_with({"--r", "abc"}), "--r abc: expected a whole number of tokens"},
    {"r_huge", inspect_with({"--r", "99999999999999999999"}), "--r 99999999999999999999: expected"},
    {"r_empty", inspect_with({"--r", ""}), "--r : expected a whole number of tokens"},
    {"r_open", inspect_with({"--r", "3,"}), "--r 3,: expected"},
    {"r_fraction", inspect_with({"--r", "0.5"}), "or a share such as 8%"},
    {"r_share", inspect_with({"--r", "60%"}), "--r 60%: expected a share from 0% to 50% of the"},
    {"r_long", inspect_with({"--r", "1,2,3,4"}), "--r 1,2,3,4: r has 4 numbers"},
    {"inflect_far", inspect_with({"--inflect", "1.5"}),
     "--inflect 1.5: expected a number from -1 to 1"},
    {"inflect_word", inspect_with({"--inflect", "1x"}), "--inflect 1x: expected a number"},
    {"inflect_nan", inspect_with({"--inflect", "nan"}), "--inflect nan: expected a number"},
    {"inflect_list", inspect_with({"--r", "8,0,5", "--inflect", "0"}),
     "--inflect 0: does not go with a number for every layer, --r 8,0,5"},
    {"inflect_share", inspect_with({"--r", "8%", "--inflect", "-1"}),
     "--inflect -1: does not go with a share, --r 8%; expected one number of tokens"},
    {"prop_attn", inspect_with({"--prop-attn", "yes"}), "--prop-attn yes: expected on or off"},
    {"metric", inspect_with({"--metric", "w"}),
     "--metric w: expected one of k, q, v, x, k_concat, k_rotated"},
    {"distance", inspect_with({"--distance", "far"}), "--distance far: expected one of cosine"},
    {"merge", inspect_with({"--merge", "sum"}), "--merge sum: expected one of weighted, mean"},
    {"matching", inspect_with({"--matching", "best"}),
     "--matching best: expected one of bipartite"},
    {"partition", inspect_with({"--partition", "odd"}),
     "--partition odd: expected one of alternate"},
    {"placement", inspect_with({"--placement", "x"}), "--placement x: expected one of between"},
    {"score", inspect_with({"--score", "best"}), "--score best: expected one of similarity, sal"},
    {"k", inspect_with({"--k", "0"}), "--k 0: expected a whole number from 1"},
    {"seed", inspect_with({"--seed", "-1"}), "--seed -1: expected a whole number from 0"},
    {"threshold_far", inspect_with({"--threshold", "3"}),
     "--threshold 3: expected a number from -1 to 1, as cosines are"},
    {"threshold_word", inspect_with({"--threshold", "x"}), "--threshold x: expected a number"},
    {"threshold_nan", inspect_with({"--threshold", "nan"}), "--threshold nan: expected a number"},
    {"threshold_inflect", inspect_with({"--threshold", "0.9", "--inflect", "1"}),
     "--inflect 1: goes with --r"},
    {"threshold_kth", inspect_with({"--threshold", "0.9", "--matching", "kth"}),
     "a threshold goes with matching bipartite alone"},
    {"greedy_softmax", inspect_with({"--matching", "greedy", "--distance", "softmax"}),
     "expected cosine, dot or euclidean"},
    {"no_class_token",
     {"inspect", golden_path("no-class-token"), "--matching", "attention-prune"},
     "the model has no class token; expected another matching"},
    {"threads_zero", inspect_with({"--threads", "0"}), "--threads 0: expected a whole number"},
    {"threads_word", inspect_with({"--threads", "two"}), "--threads two: expected a whole number"},
    {"dtype", inspect_with({"--dtype", "f16"}), "--dtype f16: expected f32"},
    {"size_patch", inspect_with({"--size", "50"}),
     "--size 50: expected multiples of the patch, 8 x 8; next to 50 are 48 and 56"},
    {"size_word", inspect_with({"--size", "8xbig"}), "--size big: expected a whole number"},
    {"size_zero", inspect_with({"--size", "0"}), "--size 0: expected a whole number from 1"},
    {"top",
     {"classify", golden_path("vit"), picture("gray.png"), "--top", "0"},
     "--top 0: expected"},
    {"batch",
     {"classify", golden_path("vit"), picture("gray.png"), "--batch", "0"},
     "--batch 0: exp"},
    {"bench_r", bench_with({"--r", "0,x"}), "--r x: expected a whole number"},
    {"bench_batch", bench_with({"--batch", "1,,2"}), "--batch : expected a whole number"},
    {"bench_reps", bench_with({"--reps", "0"}), "--reps 0: expected a whole number from 1"},
    {"bench_size", bench_with({"--size", "65"}), "--size 65: expected multiples of the patch"},
    {"model_neither",
     {"inspect", "nothing-here"},
     "nothing-here: no such file or folder, nor an architecture"},
    {"hub_name",
     {"inspect", "facebook/dinov2-small"},
     "facebook/dinov2-small: no such file or folder, and nothing is fetched: hf download "
     "facebook/dinov2-small puts it into the cache, "},
    {"model_size",
     {"bench", "vit_giant_patch16_224"},
     "vit_giant_patch16_224: no such file or folder, nor an architecture (unknown size"},
    {"model_folder", {"inspect", kPictures}, "a folder without weights: it holds alpha.png, "},
    {"model_text", {"inspect", golden_path("vit/config.json")}, "config.json: "},
};

INSTANTIATE_TEST_SUITE_P(All, CliUsage, testing::ValuesIn(kWrongUsages),
                         [](const auto& info) { return info.param.name; });

TEST(CliInspect, CountsWhatRuns) {
  const auto inspected = [](const std::vector<std::string>& more) {
    std::vector<std::string> options = {"--json", "--r", "4"};
    options.insert(options.end(), more.begin(), more.end());
    const Finished finished = run_fovea(inspect_with(options));
    expect_done(finished);
    return json::parse(finished.out);
  };
  const json plain = inspected({});
  EXPECT_EQ(plain["tokens_per_layer"], (json{33, 29, 25}));
  EXPECT_EQ(inspected({"--matching", "kth", "--k", "3"})["tokens_per_layer"], (json{13, 5, 3}));
  const json before = inspected({"--placement", "before-attention"});
  const json drawn = inspected({"--placement", "before-attention", "--matching", "random-prune"});
  const json after = inspected({"--placement", "after-mlp"});
  EXPECT_GT(before["gflops"], plain["gflops"]) << "keys are computed twice";
  EXPECT_LT(drawn["gflops"], plain["gflops"]) << "nothing is looked at, attention has fewer tokens";
  EXPECT_GT(after["gflops"], plain["gflops"]);
  EXPECT_EQ(after["gflops_dense"], plain["gflops_dense"]);
}

TEST(CliInspect, SaysThatAThresholdLeavesItToThePicture) {
  const Finished finished = run_fovea(inspect_with({"--json", "--threshold", "0.9"}));
  expect_done(finished);
  const json line = json::parse(finished.out);
  EXPECT_TRUE(line["tokens_per_layer"].is_null());
  EXPECT_TRUE(line["gflops"].is_null());
  EXPECT_TRUE(line["gflops_dense"].is_number());
  EXPECT_THAT(run_fovea(inspect_with({"--threshold", "0.9"})).out,
              HasSubstr("as the picture is, with threshold 0.9"));
}

TEST(CliBench, CountsWhatAThresholdLets) {
  const Finished finished =
      run_fovea(bench_with({"--json", "--reps", "1", "--batch", "2", "--threshold", "-1"}));
  expect_done(finished);
  const std::vector<json> rows = json_lines_of(finished.out);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["r"], 0);
  EXPECT_TRUE(rows[1]["r"].is_null());
  const json half =
      json::parse(run_fovea({"inspect", "vit_tiny_patch32_64", "--r", "1000", "--json"}).out);
  EXPECT_EQ(rows[0]["gflops_per_image"], half["gflops_dense"]);
  EXPECT_NEAR(rows[1]["gflops_per_image"].get<double>(), half["gflops"].get<double>(), 1e-9);
}

TEST(CliOutput, AFullStandardOutputIsNoticed) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {}, {"--version"}, {"inspect", "--help"}, inspect_with({}), inspect_with({"--json"})}) {
    expect_refused(run_fovea(arguments, {.out = "/dev/full"}),
                   "standard output cannot be written: No space left on device");
  }
}

TEST(CliOutput, StandardErrorThatNobodyCanWriteIsNoCrash) {
  EXPECT_EQ(run_fovea({"nonsense"}, {.err = "/dev/full"}).status, 2);
}

TEST(CliInspect, ShowsAModel) {
  const Finished shown = run_fovea(inspect_with({"--r", "8,0,5"}));
  expect_done(shown);
  EXPECT_THAT(shown.out, AllOf(HasSubstr("3 of width 48, 4 heads"), HasSubstr("8 x 8"),
                               HasSubstr("r = 8,0,5"), HasSubstr("29 29 24")));
}

TEST(CliInspect, Json) {
  const Finished shown = run_fovea(inspect_with({"--json", "--r", "4", "--inflect", "-1"}));
  expect_done(shown);
  ASSERT_EQ(lines_of(shown.out).size(), 1U);
  const json facts = json::parse(shown.out);
  EXPECT_EQ(facts.at("architecture"), "vit");
  EXPECT_EQ(facts.at("parameters"), 96490);
  EXPECT_EQ(facts.at("tokens_per_layer"), json({29, 25, 25}));
  EXPECT_EQ(facts.at("heads"), 4);
  EXPECT_EQ(facts.at("input_size"), json({48, 48}));
  EXPECT_LT(facts.at("gflops").get<double>(), facts.at("gflops_dense").get<double>());
}

TEST(CliInspect, NamedArchitectureAtAnotherSize) {
  const auto facts_of = [](const std::vector<std::string>& arguments) {
    const Finished shown = run_fovea(arguments);
    expect_done(shown);
    return json::parse(shown.out);
  };
  const json small = facts_of({"inspect", "vit_small_patch16_224", "--json"});
  EXPECT_NEAR(small.at("gflops_dense").get<double>(), 9.197, 0.001);
  EXPECT_EQ(small.at("gflops"), small.at("gflops_dense"));
  EXPECT_EQ(small.at("parameters"), 22050664);
  const json wide = facts_of({"inspect", "vit_small_patch16_224", "--json", "--size", "224x384"});
  EXPECT_EQ(wide.at("tokens_per_layer").at(0), 14 * 24 + 1);
}

TEST(CliInspect, TellsWhatIsWrongInsideAFile) {
  const TemporaryFolder folder;
  write_model_without(folder / "model", "blocks.1.mlp.fc1.weight");
  expect_refused(run_fovea({"inspect", folder / "model"}),
                 "tensor blocks.1.mlp.fc1.weight is missing");
}

TEST(CliInspect, NotesGoToStandardError) {
  const TemporaryFolder folder;
  const Array unused({4});
  write_changed_model(folder / "model", [&](std::vector<TensorToWrite>& tensors) {
    tensors.push_back(to_write("mask_token", unused));
  });
  const Finished shown = run_fovea({"inspect", folder / "model"});
  EXPECT_EQ(shown.status, 0);
  EXPECT_THAT(shown.err, AllOf(testing::StartsWith("note: "), HasSubstr("mask_token")));
  EXPECT_THAT(shown.out, Not(HasSubstr("mask_token")));
}

TEST(CliBench, JsonRowsInOrder) {
  const Finished measured = run_fovea(
      bench_with({"--r", "0,1", "--batch", "1,2", "--threads", "1", "--reps", "2", "--json"}));
  expect_done(measured);
  const std::vector<std::string> lines = lines_of(measured.out);
  ASSERT_EQ(lines.size(), 4U);
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_THAT(
        keys_of(lines[i]),
        ElementsAre("model", "r", "batch", "dtype", "threads", "gflops_per_image",
                    "gflops_computed", "images_per_second", "gflops_per_second", "peak_rss_mb"));
    const json row = json::parse(lines[i]);
    EXPECT_EQ(row.at("model"), "vit_tiny_patch32_64");
    EXPECT_EQ(row.at("r"), i % 2);
    EXPECT_EQ(row.at("batch"), 1 + i / 2);
    EXPECT_EQ(row.at("dtype"), "f32");
    EXPECT_EQ(row.at("threads"), 1);
    EXPECT_GT(row.at("peak_rss_mb").get<double>(), 1);
    // One of 12 layers computes the class token alone, behind keys and values of all.
    EXPECT_LT(row.at("gflops_computed"), 0.98 * row.at("gflops_per_image").get<double>());
    EXPECT_GT(row.at("gflops_computed"), 0.91 * row.at("gflops_per_image").get<double>());
    EXPECT_NEAR(
        row.at("gflops_per_second").get<double>(),
        row.at("images_per_second").get<double>() * row.at("gflops_per_image").get<double>(),
        1e-6 * row.at("gflops_per_second").get<double>());
  }
}

TEST(CliBench, ListsNamedArchitectures) {
  const Finished listed = run_fovea({"bench", "--list", "eva02_tiny"});
  expect_done(listed);
  EXPECT_EQ(listed.out, "eva02_tiny_patch14_224\neva02_tiny_patch14_336\n");
  const Finished all = run_fovea({"bench", "--list"});
  expect_done(all);
  EXPECT_THAT(lines_of(all.out),
              testing::IsSupersetOf({"vit_base_patch32_clip_224", "vit_so400m_patch14_siglip_384",
                                     "vit_giant_patch14_dinov2", "vit_base_patch16_dinov3"}));
}

// 384 pixels in patches of 14: 27 of them and a margin.
TEST(CliInspect, CountsNoPatchOfAMargin) {
  const Finished shown = run_fovea({"inspect", "vit_so400m_patch14_siglip_384", "--json"});
  expect_done(shown);
  const json facts = json::parse(shown.out);
  EXPECT_EQ(facts.at("input_size"), json({384, 384}));
  EXPECT_EQ(facts.at("tokens_per_layer").at(0), 27 * 27);
}

// One of each kind of parts: attention pooling, rotation, gated MLPs, tables of relative positions.
TEST(CliBench, RunsWhatItLists) {
  for (const std::string name : {"eva02_tiny_patch14_224", "vit_small_plus_patch16_dinov3_64",
                                 "vit_xsmall_patch16_clip_224", "vit_small_patch14_reg4_dinov2_56",
                                 "beit_base_patch16_224", "vit_base_patch32_siglip_256"}) {
    const Finished measured =
        run_fovea({"bench", name, "--r", "2", "--batch", "1", "--reps", "1", "--json"});
    expect_done(measured);
    EXPECT_EQ(json::parse(measured.out).at("model"), name);
  }
}

TEST(CliBench, TableComparesWithTheFirstR) {
  const Finished measured =
      run_fovea(bench_with({"--r", "0,1", "--batch", "1", "--reps", "2", "--size", "64x96"}));
  expect_done(measured);
  const std::vector<std::string> lines = lines_of(measured.out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0], AllOf(HasSubstr("images/s"), HasSubstr("peak MB"), HasSubstr("speed-up")));
  EXPECT_THAT(lines[1], testing::EndsWith(" 1.00"));
  EXPECT_EQ(lines[1].size(), lines[2].size());
}

TEST(CliBench, ProfileSharesAddUp) {
  for (const std::string dtype : {"f32", "bf16"}) {
    const Finished measured = run_fovea(bench_with(
        {"--r", "1", "--batch", "1", "--reps", "1", "--json", "--profile", "--dtype", dtype}));
    expect_done(measured);
    const json row = json::parse(measured.out);
    EXPECT_EQ(row.at("dtype"), dtype);
    double sum = 0;
    for (const auto& [kind, share] : row.at("profile").at("shares").items()) {
      EXPECT_GE(share.get<double>(), 0) << kind;
      sum += share.get<double>();
    }
    EXPECT_NEAR(sum, 1, 1e-9);
    EXPECT_GT(row.at("profile").at("products_of_peak").get<double>(), 0);
  }
}

TEST(CliBench, TellsWhatIsWrongInsideAFile) {
  const TemporaryFolder folder;
  write_model_without(folder / "model", "blocks.2.norm1.weight");
  expect_refused(run_fovea({"bench", folder / "model"}), "blocks.2.norm1.weight is missing");
}

}  // namespace
}  // namespace fovea
