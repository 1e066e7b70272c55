// `fovea convert` keeps what a model's file holds, as it holds it, or says it as timm does; either
// way what is written gives the answers of what was read.
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "fovea/io/convert.h"
#include "fovea/io/file.h"
#include "fovea/io/tensor_file.h"
#include "fovea/io/tensor_file_testing.h"
#include "fovea/model/location.h"
#include "fovea/model/testing.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> all_names() {
  std::vector<std::string> names = golden_names();
  for (const std::string& name : golden_names("goldens-families")) names.push_back(name);
  return names;
}

class CliConvertNames : public testing::Test {
 protected:
  // Makes folder "to" of a model, and gives its name.
  std::string converted(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "convert");
    arguments.insert(arguments.end(), {"-o", folder_ / "to"});
    const Finished done = run_fovea(arguments);
    EXPECT_EQ(done.status, 0) << done.err;
    return folder_ / "to";
  }
  TensorFile written() const { return TensorFile::open(folder_ / "to" / "model.safetensors"); }
  nlohmann::json config() const {
    return nlohmann::json::parse(read_text(folder_ / "to" / "config.json"));
  }
  // All that forward writes, to the bit, or one tensor of it.
  std::string answers(const std::vector<std::string>& model, const fs::path& input,
                      const std::string& only = {}) const {
    std::vector<std::string> command = {"forward"};
    command.insert(command.end(), model.begin(), model.end());
    command.insert(command.end(),
                   {"--input", input, "-o", folder_ / "answers.safetensors", "--r", "2"});
    const Finished done = run_fovea(command);
    EXPECT_EQ(done.status, 0) << done.err;
    if (only.empty()) return read_all(folder_ / "answers.safetensors");
    const TensorFile file = TensorFile::open(folder_ / "answers.safetensors");
    const auto bytes = file.tensors().at(only).bytes;
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  static nlohmann::json inspected(const std::string& model) {
    return nlohmann::json::parse(run_fovea({"inspect", model, "--json"}).out);
  }
  // A file of the golden `vit-odd`, which needs to be told its heads, whose tensors `change`
  // changes, without a config.
  std::string odd(const std::function<void(std::vector<TensorToWrite>&)>& change) const {
    const SafeTensors file = SafeTensors::open(golden("vit-odd") / "model.safetensors");
    std::vector<TensorToWrite> tensors;
    for (const auto& [name, tensor] : file.tensors())
      tensors.push_back({name, tensor.dtype, tensor.shape, tensor.bytes});
    change(tensors);
    write_safetensors(folder_ / "odd.safetensors", tensors);
    return folder_ / "odd.safetensors";
  }

  TemporaryFolder folder_;
};

TEST_F(CliConvertNames, KeepEveryTensorOfEveryDialect) {
  for (const std::string& name : all_names()) {
    SCOPED_TRACE(name);
    const fs::path from = golden(name);
    const std::string to = converted({from});
    expect_same_tensors(written(), TensorFile::open(weights_of(from)));
    EXPECT_TRUE(answers({to}, from / "input.npy") == answers({from}, from / "input.npy"));
    EXPECT_EQ(inspected(to), inspected(from));
    for (const char* config : kConfigNames) {
      const bool has_own = fs::exists(from / config);
      if (has_own) {
        EXPECT_EQ(read_text(folder_ / "to" / config), read_text(from / config));
      }
    }
  }
}

TEST_F(CliConvertNames, TakeNestingAndPrefixAway) {
  const fs::path pth = test_data() / "goldens-pth";
  const TensorFile state = TensorFile::open(pth / "state.safetensors");
  for (const char* name : {"zip", "legacy", "nested", "args", "half", "views", "teacher"}) {
    SCOPED_TRACE(name);
    const std::string from = pth / (std::string(name) + ".pth");
    const std::string to = converted({from});
    const bool half = std::string(name) == "half";
    expect_same_tensors(written(), half ? TensorFile::open(pth / "half.safetensors") : state);
    EXPECT_EQ(inspected(to), inspected(from));
    EXPECT_EQ(run_fovea({"inspect", to}).status, 0);
    EXPECT_EQ(written().metadata().at("format"), "pt");
  }
}

TEST_F(CliConvertNames, FollowTheKey) {
  const fs::path pth = test_data() / "goldens-pth";
  converted({pth / "nested.pth", "--key", "model"});
  expect_same_tensors(written(), TensorFile::open(pth / "state.safetensors"));
  expect_refused(
      run_fovea({"convert", pth / "nested.pth", "--key", "optimizer", "-o", folder_ / "no"}),
      "nested.pth: --key optimizer: ");
  EXPECT_FALSE(fs::exists(folder_ / "no"));
}

TEST_F(CliConvertNames, StandInAConfigThatNeedsNoOptions) {
  const std::string from = odd([](auto&) {});
  const std::string to = converted({from, "--num-heads", "5"});
  EXPECT_EQ(config()["model_args"]["num_heads"], 5);
  // How pictures become inputs is not known, and not made up.
  EXPECT_FALSE(config().contains("pretrained_cfg"));
  const fs::path input = golden("vit-odd") / "input.npy";
  EXPECT_TRUE(answers({to}, input) == answers({from, "--num-heads", "5"}, input));
  EXPECT_TRUE(answers({to}, input) == answers({golden("vit-odd")}, input));
}

TEST_F(CliConvertNames, PutTypedHeadsWhereTheirLibraryHasThem) {
  const auto without = [&](const std::string& name, const std::string& config,
                           const std::function<void(nlohmann::json&)>& change) {
    fs::remove_all(folder_ / "from");
    fs::copy(golden(name), folder_ / "from");
    nlohmann::json value = nlohmann::json::parse(read_text(golden(name) / config));
    change(value);
    write_file(folder_ / "from" / config, value.dump());
    return folder_ / "from";
  };
  converted({without("clip-hf", "config.json",
                     [](auto& c) { c["vision_config"].erase("num_attention_heads"); }),
             "--num-heads", "4"});
  EXPECT_EQ(config()["vision_config"]["num_attention_heads"], 4);
  EXPECT_EQ(config()["text_config"]["num_attention_heads"],
            nlohmann::json::parse(read_text(golden("clip-hf") /
                                            "config.json"))["text_config"]["num_attention_heads"]);
  converted(
      {without("siglip-timm", "config.json", [](auto& c) { c["model_args"].erase("num_heads"); }),
       "--num-heads", "4"});
  EXPECT_EQ(config()["model_args"]["num_heads"], 4);
  const std::string open_clip =
      converted({without("clip-openclip", "open_clip_config.json",
                         [](auto& c) { c["model_cfg"]["vision_cfg"].erase("head_width"); }),
                 "--num-heads", "4"});
  EXPECT_FALSE(fs::exists(folder_ / "to" / "config.json")) << "another model's";
  EXPECT_EQ(inspected(open_clip)["heads"], 4);
}

TEST_F(CliConvertNames, RoundEveryTensorOfNumbers) {
  const fs::path from = golden("clip-hf");
  converted({from, "--dtype", "bf16"});
  const TensorFile before = TensorFile::open(weights_of(from));
  const TensorFile after = written();
  for (const auto& [name, tensor] : after.tensors()) {
    const TensorView& old = before.tensors().at(name);
    EXPECT_EQ(tensor.dtype, old.dtype == "I64" ? "I64" : "BF16") << name;
    EXPECT_EQ(tensor.shape, old.shape) << name;
    if (old.dtype == "I64") continue;
    std::vector<float> want = to_floats(old, "");
    for (float& value : want) value = bfloat16_to_float(float_to_bfloat16(value));
    EXPECT_EQ(to_floats(tensor, ""), want) << name;
  }
  // What transformers would load it in.
  const nlohmann::json said = nlohmann::json::parse(read_text(from / "config.json"));
  EXPECT_EQ(config().value("torch_dtype", ""), said.contains("torch_dtype") ? "bfloat16" : "");
  EXPECT_EQ(config()["vision_config"]["hidden_size"], said["vision_config"]["hidden_size"]);
}

TEST_F(CliConvertNames, RoundDoublesWhereThatIsAskedFor) {
  static const std::vector<double> kWide(80, 0.1);
  const std::string from = odd([](std::vector<TensorToWrite>& tensors) {
    for (TensorToWrite& tensor : tensors) {
      if (tensor.name != "norm.bias") continue;
      tensor.dtype = "F64";
      tensor.bytes = std::as_bytes(std::span(kWide));
    }
  });
  expect_refused(
      run_fovea({"inspect", from, "--num-heads", "5"}),
      "odd.safetensors: tensor norm.bias is F64; expected F32, F16 or BF16: fovea convert "
      "--dtype f32 rounds it");
  expect_refused(run_fovea({"convert", from, "--num-heads", "5", "-o", folder_ / "no"}),
                 "odd.safetensors: tensor norm.bias is F64; expected F32, F16 or BF16: --dtype f32 "
                 "rounds it");
  EXPECT_FALSE(fs::exists(folder_ / "no"));
  converted({from, "--num-heads", "5", "--dtype", "f32"});
  const TensorFile after = written();
  EXPECT_EQ(to_floats(after.tensors().at("norm.bias"), ""), std::vector<float>(80, 0.1F));
}

// The names that timm's own file of a family has, of the first layer.
std::set<std::string> first_names(const TensorFile& file) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : file.tensors()) {
    if (!name.starts_with("blocks.") || name.starts_with("blocks.0.")) names.insert(name);
  }
  return names;
}

TEST_F(CliConvertNames, AreTimmsWhereThatIsAskedFor) {
  for (const std::string& name : all_names()) {
    SCOPED_TRACE(name);
    const fs::path from = golden(name);
    const std::string to = converted({from, "--names", "timm"});
    for (const char* output : {"tokens", "sizes", "source"}) {
      EXPECT_TRUE(answers({to}, from / "input.npy", output) ==
                  answers({from}, from / "input.npy", output));
    }
    // CLIP's projection of features is timm's head.
    const bool projects = first_names(TensorFile::open(weights_of(from))).contains("visual.proj") ||
                          name == "clip-hf" || name == "clip-hf-larger";
    EXPECT_TRUE(answers({to}, from / "input.npy", "logits") ==
                answers({from}, from / "input.npy", projects ? "features" : "logits"));
    EXPECT_EQ(inspected(to)["family"], "timm");
    // And once more: nothing changes.
    fs::rename(to, folder_ / "once");
    const TensorFile once = TensorFile::open(folder_ / "once" / "model.safetensors");
    converted({folder_ / "once", "--names", "timm"});
    expect_same_tensors(written(), once);
    fs::remove_all(folder_ / "once");
  }
}

TEST_F(CliConvertNames, OfTimmAreThoseThatItsOwnFilesHave) {
  const std::pair<const char*, const char*> cases[] = {
      {"clip-hf", "clip-timm"},
      {"clip-openai", "clip-timm"},
      {"clip-openclip", "clip-timm"},
      {"siglip-hf", "siglip-timm"},
      {"dinov3-hf", "dinov3-timm"},
      {"beit-hf", "beit-timm"},
      {"dinov2-swiglu-hf", "dinov2-giant-timm"},
      {"dinov2-giant-original", "dinov2-giant-timm"}};
  for (const auto& [from, like] : cases) {
    SCOPED_TRACE(from);
    converted({golden(from), "--names", "timm"});
    EXPECT_EQ(first_names(written()), first_names(TensorFile::open(weights_of(golden(like)))));
  }
}

TEST_F(CliConvertNames, OfTimmHaveNoRowForTheClassTokenBesideRegisters) {
  converted({golden("dinov2-registers-hf"), "--names", "timm"});
  const TensorFile file = written();
  EXPECT_EQ(file.tensors().at("pos_embed").shape, (Shape{1, 25, 48}));
  EXPECT_EQ(file.tensors().at("reg_token").shape, (Shape{1, 4, 48}));
  // A sum, so it is kept in single precision; the rest keeps its format.
  EXPECT_EQ(file.tensors().at("cls_token").dtype, "F32");
  EXPECT_EQ(file.tensors().at("pos_embed").dtype, "F16");
  EXPECT_EQ(config()["architecture"], "vit_base_patch14_reg4_dinov2");
}

TEST_F(CliConvertNames, CannotAllBeTimms) {
  const fs::path from = folder_ / "from";
  fs::copy(golden("dinov3-hf"), from);
  nlohmann::json said = nlohmann::json::parse(read_text(from / "config.json"));
  said["rope_theta"] = 50;
  write_file(from / "config.json", said.dump());
  expect_refused(run_fovea({"convert", from, "--names", "timm", "-o", folder_ / "to"}),
                 "the model has rotary positions of its own, which timm's names can't say");
  EXPECT_FALSE(fs::exists(folder_ / "to"));
}

// What is no part of the model stays behind.
TEST_F(CliConvertNames, OfTimmAreOfTheModelAlone) {
  converted({golden("clip-hf"), "--names", "timm"});
  const TensorFile after = written();
  for (const auto& [name, tensor] : after.tensors()) EXPECT_THAT(name, Not(HasSubstr("text")));
}

}  // namespace
}  // namespace fovea
