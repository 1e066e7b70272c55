// `fovea convert` from outside: what it writes runs, and has the weights of what it was made from.
#include <cmath>
#include <string>
#include <vector>

#include "fovea/io/convert.h"
#include "fovea/io/file.h"
#include "fovea/model/testing.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

std::vector<float> values_of(const SafeTensors& file, const std::string& name) {
  EXPECT_TRUE(file.tensors().contains(name)) << name;
  return to_floats(file.tensors().at(name), file.file_name());
}

// A sequential model of four layers with LayerScale.
std::string four_layers(const TemporaryFolder& folder) {
  Architecture a;
  a.name = "four";
  a.width = 16;
  a.depth = 4;
  a.block.heads = 2;
  a.block.mlp_width = 32;
  a.patch = {4, 4};
  a.class_token = a.final_norm = a.block.scale_attention = a.block.scale_mlp = true;
  a.classes = 3;
  a.image_size = a.input_size = {16, 16};
  a.position_rows = 17;
  save_varied_model(folder / "four", a);
  return folder / "four";
}

std::vector<nlohmann::json> classes_of(const std::string& model) {
  const Finished finished =
      run_fovea({"classify", model, picture("gray.png"), "--json", "--top", "3"});
  expect_done(finished);
  return json_lines_of(finished.out);
}

TEST(CliConvert, PutsLayersSideBySide) {
  const TemporaryFolder folder;
  const std::string from = four_layers(folder);
  const std::string to = folder / "new" / "parallel";
  expect_done(run_fovea({"convert", from, "--branches", "2", "-o", to}));
  const SafeTensors before = SafeTensors::open(from + "/model.safetensors");
  const SafeTensors after = SafeTensors::open(to + "/model.safetensors");
  EXPECT_EQ(before.tensors().size(), after.tensors().size());
  const std::vector<std::pair<std::string, std::string>> moved = {
      {"attn.qkv.weight", "attns.?.attn.qkv.weight"},
      {"norm1.bias", "attns.?.norm.bias"},
      {"ls1.gamma", "attns.?.ls.gamma"},
      {"norm2.weight", "ffns.?.norm.weight"},
      {"mlp.fc2.weight", "ffns.?.mlp.fc2.weight"},
      {"ls2.gamma", "ffns.?.ls.gamma"}};
  for (int layer = 0; layer < 4; ++layer) {
    for (auto [old_name, new_name] : moved) {
      new_name.replace(new_name.find('?'), 1, std::to_string(layer % 2));
      EXPECT_EQ(values_of(after, "blocks." + std::to_string(layer / 2) + "." + new_name),
                values_of(before, "blocks." + std::to_string(layer) + "." + old_name));
    }
  }
  EXPECT_EQ(values_of(after, "pos_embed"), values_of(before, "pos_embed"));

  const Finished inspected = run_fovea({"inspect", to, "--json"});
  expect_done(inspected);
  const nlohmann::json facts = nlohmann::json::parse(inspected.out);
  EXPECT_EQ(facts["depth"], 2);
  EXPECT_EQ(facts["branches"], 2);
  EXPECT_EQ(facts["input_size"], nlohmann::json({16, 16}));
  EXPECT_EQ(classes_of(to).size(), 1);
}

TEST(CliConvert, StoresEveryValueRounded) {
  const TemporaryFolder folder;
  const std::string from = four_layers(folder);
  const SafeTensors before = SafeTensors::open(from + "/model.safetensors");
  for (const std::string dtype : {"f16", "bf16"}) {
    const std::string to = folder / dtype;
    expect_done(run_fovea({"convert", from, "--dtype", dtype, "-o", to}));
    const SafeTensors after = SafeTensors::open(to + "/model.safetensors");
    ASSERT_EQ(after.tensors().size(), before.tensors().size());
    for (const auto& [name, tensor] : before.tensors()) {
      EXPECT_EQ(after.tensors().at(name).dtype, dtype == "f16" ? "F16" : "BF16");
      std::vector<float> want = values_of(before, name);
      for (float& value : want) {
        value = dtype == "f16" ? half_to_float(float_to_half(value))
                               : bfloat16_to_float(float_to_bfloat16(value));
      }
      EXPECT_EQ(values_of(after, name), want) << name;
    }
    // And back: nothing more is lost.
    expect_done(run_fovea({"convert", to, "-o", folder / (dtype + "-wide"), "--dtype", "f32"}));
    const SafeTensors wide = SafeTensors::open(folder / (dtype + "-wide") / "model.safetensors");
    for (const auto& [name, tensor] : after.tensors()) {
      EXPECT_EQ(wide.tensors().at(name).dtype, "F32");
      EXPECT_EQ(values_of(wide, name), values_of(after, name));
    }
    EXPECT_EQ(classes_of(folder / (dtype + "-wide")), classes_of(to));
  }
}

TEST(CliConvert, MakesModelsToMeasure) {
  const TemporaryFolder folder;
  expect_done(run_fovea({"convert", "vit_tiny_patch16_64", "--branches", "6", "--dtype", "bf16",
                         "-o", folder / "x"}));
  const Finished inspected = run_fovea({"inspect", folder / "x", "--json"});
  EXPECT_EQ(nlohmann::json::parse(inspected.out)["depth"], 2);
}

TEST(CliConvert, SaysWhatItCannotDo) {
  const TemporaryFolder folder;
  const std::string four = four_layers(folder);
  const std::string to = folder / "to";
  const auto refused = [&](std::vector<std::string> arguments, const std::string& message) {
    arguments.insert(arguments.begin(), "convert");
    expect_refused(run_fovea(arguments), message);
    EXPECT_FALSE(std::filesystem::exists(to));
  };
  refused({four, "-o", to, "--branches", "1"},
          "--branches 1: expected a whole number from 2 to 1024");
  refused({four, "-o", to, "--branches", "3"},
          "--branches 3: 4 layers can't be shared out to 3 branches");
  refused({golden_path("parallel"), "-o", to, "--branches", "3"},
          "--branches 3: the model has 2 branches in each layer");
  refused({four, "-o", to, "--dtype", "f8"}, "--dtype f8: expected f32, f16 or bf16");
  refused({four, "-o", to, "--names", "hf"}, "--names hf: expected timm");
  refused({four}, "--output");
  refused({four, "-o", four}, "is the model itself");
  refused({four + "/model.safetensors", "-o", four}, "is the model itself");
  std::filesystem::copy_file(four + "/model.safetensors", four + "/other.safetensors");
  refused({four + "/other.safetensors", "-o", four}, "is the model itself");  // its config.json
  refused({four, "-o", to + ".safetensors"}, "expected the name of a folder");
  refused({to, "-o", to}, "no such file or folder");
  write_file(folder / "file", "");
  refused({four, "-o", folder / "file" / "x"}, "file/x: cannot be made");
  write_changed_model(folder / "large", [](std::vector<TensorToWrite>& tensors) {
    static const std::vector<float> kLarge(10, 1e6F);
    for (TensorToWrite& tensor : tensors) {
      if (tensor.name == "head.bias") tensor.bytes = std::as_bytes(std::span(kLarge));
    }
  });
  expect_refused(run_fovea({"convert", folder / "large", "-o", to, "--dtype", "f16"}),
                 "tensor head.bias holds 1000000; expected at most 65504 for f16");
}

}  // namespace
}  // namespace fovea
