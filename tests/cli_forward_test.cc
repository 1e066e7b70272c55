// `fovea forward` from outside: every golden, and what it refuses.
#include <cmath>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using nlohmann::json;

std::vector<std::string> golden_cases() {
  std::vector<std::string> cases;
  for (const auto& entry : std::filesystem::directory_iterator(kGoldens)) {
    cases.push_back(entry.path().filename());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

// A run of runs.json as it is typed.
std::vector<std::string> options_of(const json& run) {
  std::string r;
  if (run.at("r").is_array()) {
    for (const json& number : run.at("r")) r += number.dump() + ",";
    r += "0";  // layers without a number merge nothing, and a list of one needs a comma
    if (run.at("r").size() > 1) r.resize(r.size() - 2);
  } else {
    r = run.at("r").dump();
  }
  std::vector<std::string> options = {"--r", r};
  if (run.contains("inflect")) options.insert(options.end(), {"--inflect", run["inflect"].dump()});
  if (run.contains("prop_attn")) {
    options.insert(options.end(), {"--prop-attn", run["prop_attn"].get<bool>() ? "on" : "off"});
  }
  for (const std::string name : {"metric", "distance", "merge"}) {
    if (run.contains(name)) options.insert(options.end(), {"--" + name, run[name]});
  }
  return options;
}

// Floats within 2e-4 of the largest, all else equal.
void expect_same(const SafeTensors& got, const SafeTensors& want, const std::string& name) {
  SCOPED_TRACE(name);
  ASSERT_TRUE(got.tensors().contains(name));
  const TensorView& found = got.tensors().at(name);
  const TensorView& expected = want.tensors().at(name);
  ASSERT_EQ(found.dtype, expected.dtype);
  ASSERT_EQ(found.shape, expected.shape);
  if (expected.dtype != "F32") {
    EXPECT_TRUE(std::equal(found.bytes.begin(), found.bytes.end(), expected.bytes.begin()));
    return;
  }
  const std::vector<float> values = to_floats(expected, want.file_name());
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  EXPECT_THAT(to_floats(found, got.file_name()),
              testing::Pointwise(testing::FloatNear(2e-4F * largest), values));
}

class CliForwardGoldens : public testing::TestWithParam<std::string> {};

TEST_P(CliForwardGoldens, EveryRun) {
  const TemporaryFolder folder;
  const std::string model = golden_path(GetParam());
  const json runs = json::parse(read_text(model + "/runs.json"));
  ASSERT_FALSE(runs.empty());
  for (const auto& [name, run] : runs.items()) {
    SCOPED_TRACE(name);
    const std::string output = folder / (name + ".safetensors");
    std::vector<std::string> arguments = {"forward",  model, "--input", model + "/input.npy",
                                          "--output", output};
    for (const std::string& option : options_of(run)) arguments.push_back(option);
    const Finished finished = run_fovea(arguments);
    ASSERT_EQ(finished.status, 0) << finished.err;
    EXPECT_THAT(finished.err, testing::Not(testing::HasSubstr("fovea: ")));
    const SafeTensors got = SafeTensors::open(output);
    const SafeTensors want = SafeTensors::open(model + "/" + name + ".safetensors");
    size_t routes = 0;
    for (const auto& [tensor, unused] : want.tensors()) {
      expect_same(got, want, tensor);
      routes += tensor.starts_with("routes.") ? 1 : 0;
    }
    EXPECT_EQ(got.tensors().size(), 5 + routes);
    for (const char* tensor : {"logits", "features", "tokens", "sizes", "source"}) {
      EXPECT_TRUE(got.tensors().contains(tensor));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, CliForwardGoldens, testing::ValuesIn(golden_cases()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

class CliForward : public testing::Test {
 protected:
  Finished forward(const std::string& input, const std::string& output) const {
    return run_fovea({"forward", golden_path("vit"), "--input", input, "--output", output});
  }

  TemporaryFolder folder_;
  const std::string input_ = golden_path("vit/input.npy");
};

TEST_F(CliForward, AThresholdPadsWhatIsShorter) {
  Array images = read_npy(input_);
  std::fill(images.data.begin(), images.data.begin() + 3 * 48 * 48, 0.5F);  // a plain picture
  write_npy(folder_ / "x.npy", images);
  const std::string output = folder_ / "out.safetensors";
  expect_done(run_fovea({"forward", golden_path("vit"), "--input", folder_ / "x.npy", "--output",
                         output, "--threshold", "0.9"}));
  const SafeTensors file = SafeTensors::open(output);
  const Shape shape = file.tensors().at("sizes").shape;
  ASSERT_EQ(file.tensors().at("tokens").shape, (Shape{shape[0], shape[1], 48}));
  const std::vector<float> sizes = to_floats(file.tensors().at("sizes"), output);
  EXPECT_EQ(sizes[shape[1] - 1], 0) << "of the plain picture less is left";
  EXPECT_GT(sizes.back(), 0);
}

TEST_F(CliForward, InputsThatDoNotFitAreNamed) {
  const std::string output = folder_ / "out.safetensors";
  const std::string wrong = folder_ / "wrong.npy";
  expect_refused(forward(folder_ / "none.npy", output), "none.npy: cannot be opened");
  write_npy(wrong, Array({3, 48, 48}));
  expect_refused(forward(wrong, output), "wrong.npy: images are [3, 48, 48]; expected [batch, 3");
  write_npy(wrong, Array({1, 3, 48, 50}));
  expect_refused(forward(wrong, output), "multiples of the patch, 8 x 8");
  write_npy(wrong, Array({0, 3, 48, 48}));
  expect_refused(forward(wrong, output), "wrong.npy: images are [0, 3, 48, 48]; expected at least");
  write_file(wrong, "this is text");
  expect_refused(forward(wrong, output), "wrong.npy: ");
  expect_refused(forward(wrong, wrong), "wrong.npy: is the input itself");
  EXPECT_EQ(folder_.count(), 1U) << "nothing but the input may be left";
}

TEST_F(CliForward, OutputsThatCanNotBeWrittenAreNamed) {
  expect_refused(forward(input_, folder_ / "none/out"), "there is no folder");
  expect_refused(forward(input_, folder_.path()), "expected the name of a file to write");
  expect_refused(forward(input_, ""), "expected the name of a file to write");
  expect_refused(forward(input_, "/dev/full"), "/dev/full: cannot be written: No space left");
  EXPECT_EQ(folder_.count(), 0U);
}

TEST_F(CliForward, AFailureLeavesTheOldOutput) {
  const std::string output = folder_ / "out.safetensors";
  write_file(output, "old");
  expect_refused(forward(folder_ / "none.npy", output), "none.npy");
  EXPECT_EQ(read_text(output), "old");
}

TEST_F(CliForward, RandomWeightsAreAnnounced) {
  write_npy(folder_ / "x.npy", Array({1, 3, 64, 64}));
  const Finished finished = run_fovea({"forward", "vit_tiny_patch32_64", "--input",
                                       folder_ / "x.npy", "--output", folder_ / "out.safetensors"});
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.err, testing::StartsWith("note: vit_tiny_patch32_64 has random weights"));
}

TEST_F(CliForward, KeepsLayersAndAttention) {
  const std::string output = folder_ / "out.safetensors";
  expect_done(run_fovea({"forward", golden_path("vit"), "--input", input_, "--output", output,
                         "--r", "4", "--layers", "3,1", "--attention", "--unmerge"}));
  const SafeTensors file = SafeTensors::open(output);
  RunOptions options;
  options.merge.schedule.r = 4;
  options.layers = {1, 3};
  options.want_attention = true;
  const Result want = Model::load(kGoldens / "vit").run(read_npy(input_), options);
  const auto expect = [&](const std::string& name, const Array& values) {
    const TensorView& found = file.tensors().at(name);
    EXPECT_EQ(found.shape, values.shape) << name;
    EXPECT_EQ(to_floats(found, name), values.data) << name;
  };
  expect("attention", want.attention);
  for (const auto& [number, layer] : want.layers) {
    const std::string at = "." + std::to_string(number);
    expect("layers" + at, layer.tokens);
    expect("sizes" + at, layer.sizes);
    expect("attention" + at, layer.attention);
    EXPECT_EQ(file.tensors().at("source" + at).dtype, "I32");
    EXPECT_EQ(file.tensors().at("dense" + at).shape, file.tensors().at("dense").shape);
  }
  EXPECT_FALSE(file.tensors().contains("layers.2"));
}

TEST_F(CliForward, RefusesLayersThatThereAreNot) {
  const auto refused = [&](const std::string& model, const std::vector<std::string>& options,
                           const std::string& fragment) {
    std::vector<std::string> arguments = {"forward",  golden_path(model),
                                          "--input",  kGoldens / model / "input.npy",
                                          "--output", folder_ / "out"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    expect_refused(run_fovea(arguments), fragment);
    EXPECT_EQ(folder_.count(), 0);
  };
  refused("vit", {"--layers", "3,4"}, "layer 4: the model has 3; expected 1 to 3");
  refused("vit", {"--layers", "0"}, "--layers 0: expected a whole number from 1");
  refused("vit", {"--layers", "1,,2"}, "--layers : expected a whole number");
  refused("no-class-token", {"--attention"}, "the class token");
}

}  // namespace
}  // namespace fovea
