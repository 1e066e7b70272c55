// What may be MODEL, from outside: shards, the hub's cache, addresses, and files that are no model.
#include <string>
#include <vector>

#include "fovea/io/file.h"
#include "fovea/io/pth_testing.h"
#include "fovea/model/testing.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class CliModels : public testing::Test {
 protected:
  // As it is with a hub's cache in the folder.
  Finished run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(),
                     {"HF_HUB_CACHE=" + (folder_ / "cache").string(), fovea_program()});
    return run_program("/usr/bin/env", arguments);
  }
  std::string forward(const std::string& model) const {
    const Finished done =
        run({"forward", model, "--input", golden_path("vit/input.npy"), "-o", folder_ / "out"});
    EXPECT_EQ(done.status, 0) << done.err;
    return read_all(folder_ / "out");
  }
  std::string file(const std::string& name, std::string_view content) const {
    write_file(folder_ / name, content);
    return folder_ / name;
  }

  TemporaryFolder folder_;
};

TEST_F(CliModels, MayLieInTheCacheOfTheHub) {
  const fs::path snapshot = folder_ / "cache/models--someone--vit.small/snapshots/0123456789";
  const fs::path refs = folder_ / "cache/models--someone--vit.small/refs";
  fs::create_directories(snapshot);
  fs::create_directories(refs);
  fs::create_directories(folder_ / "cache/models--someone--vit.small/blobs");
  write_file(refs / "main", "0123456789");
  for (const char* name : {"config.json", "model.safetensors"}) {
    const std::string blob = std::string("../../blobs/") + name;
    fs::copy_file(golden("vit") / name, snapshot / blob);
    fs::create_symlink(blob, snapshot / name);
  }
  EXPECT_TRUE(forward("someone/vit.small") == forward(golden("vit")));
  expect_done(run({"convert", "someone/vit.small", "-o", folder_ / "copy"}));
  EXPECT_TRUE(forward(folder_ / "copy") == forward(golden("vit")));
  expect_refused(run({"inspect", "someone/else"}),
                 "someone/else: no such file or folder, and nothing is fetched: hf download "
                 "someone/else puts it into the cache, " +
                     (folder_ / "cache").string());
}

TEST_F(CliModels, AreNotFetched) {
  expect_refused(run({"inspect", "https://huggingface.co/facebook/dinov2-small/tree/main"}),
                 "nothing is fetched; expected a file or folder: hf download facebook/dinov2-small "
                 "downloads it");
  expect_refused(run({"classify", "https://example.com/vit.pth", picture("gray.png")}),
                 "curl -LO https://example.com/vit.pth downloads it");
}

TEST_F(CliModels, InShardsAreOne) {
  fs::create_directory(folder_ / "shards");
  fs::copy_file(golden("vit") / "config.json", folder_ / "shards" / "config.json");
  const SafeTensors whole = SafeTensors::open(golden("vit") / "model.safetensors");
  std::vector<TensorToWrite> parts[2];
  nlohmann::json map;
  size_t count = 0;
  for (const auto& [name, tensor] : whole.tensors()) {
    const size_t part = count++ % 2;
    parts[part].push_back({name, tensor.dtype, tensor.shape, tensor.bytes});
    map[name] = part == 0 ? "a.safetensors" : "b.safetensors";
  }
  write_safetensors(folder_ / "shards" / "a.safetensors", parts[0]);
  write_safetensors(folder_ / "shards" / "b.safetensors", parts[1]);
  const auto index = [&](const nlohmann::json& weights) {
    file("shards/model.safetensors.index.json", nlohmann::json({{"weight_map", weights}}).dump());
  };
  index(map);
  const std::string shards = folder_ / "shards";
  EXPECT_TRUE(forward(shards) == forward(golden("vit")));

  nlohmann::json swapped = map;
  swapped["cls_token"] = map["cls_token"] == "a.safetensors" ? "b.safetensors" : "a.safetensors";
  index(swapped);
  expect_refused(run({"inspect", shards}), "lacks the tensor cls_token, which should be there by");
  nlohmann::json fewer = map;
  fewer.erase("cls_token");
  index(fewer);
  expect_refused(run({"inspect", shards}), "cls_token");
  index(map);
  fs::remove(folder_ / "shards" / "b.safetensors");
  expect_refused(run({"inspect", shards}), "the shard b.safetensors is missing");
  for (const char* name : {"broken-missing-shard", "broken-path-escape"})
    expect_refused(run({"inspect", golden(name)}), "model.safetensors.index.json: ");
}

TEST_F(CliModels, AreNotWhateverIsCalledSo) {
  const std::pair<std::string, const char*> cases[] = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n",
       "is a git-lfs pointer, which stands for a file that was not downloaded (git lfs pull "
       "brings"},
      {"<!DOCTYPE html>\n<html>", "is an HTML page, perhaps that of a download that failed"},
      {"GGUF" + std::string(60, '\0'), "is a GGUF file"},
      {"\x08\x08\x12\x07pytorch\x1a\x05"
       "2.1.0 and more",
       "is an ONNX model"},
      {zip_of({{"a.npy", "x"}}), "is an npz file of NumPy arrays"},
      {zip_of({{"m/constants.pkl", "x"}, {"m/data.pkl", "x"}}), "is TorchScript"},
      {zip_of({}), "is a zip file without data.pkl (it is empty)"},
      {"\x80\x04\x95" + std::string(20, '\0'), "is a Python pickle that torch.save did not write"},
      {std::string(100, 'x'), "expected a safetensors file"}};
  for (const auto& [content, message] : cases) {
    for (const char* name : {"m.safetensors", "m.pth", "m.bin"})
      expect_refused(run({"inspect", file(name, content)}), message);
  }
}

// inspect's page of a model: what is said of its parts.
TEST_F(CliModels, AreShownAsWhatTheyAre) {
  const auto page = [&](const char* name) { return run({"inspect", golden(name)}).out; };
  EXPECT_THAT(page("clip-hf"),
              HasSubstr("output        features of 40 channels, pooled by token and projected\n"));
  EXPECT_THAT(page("siglip-hf"), HasSubstr("features of 48 channels, pooled by attention\n"));
  EXPECT_THAT(
      page("deit-distilled-hf"),
      HasSubstr("9 classes, pooled by token; the mean with those of the distillation token"));
  EXPECT_THAT(page("dinov2-classifier-hf"), HasSubstr("7 classes, pooled by token and average\n"));
  EXPECT_THAT(page("clip-openai"),
              HasSubstr("architecture  not named\nnames         as in OpenAI"));
  EXPECT_THAT(page("clip-openai"), HasSubstr("2 of width 64, 1 head, MLP 256, quick_gelu\n"));
  EXPECT_THAT(page("timm-map-reg"), HasSubstr("tokens        patches, 1 register\n"));
  EXPECT_THAT(page("dinov3-hf"), HasSubstr("patches, class, 4 registers\npositions     rotary\n"));
  EXPECT_THAT(page("beit-hf"), HasSubstr("positions     relative, of 8 x 8 patches\n"));
  EXPECT_THAT(page("dinov2-giant-timm"), HasSubstr("3 heads, gated MLP 72, LayerScale, silu\n"));
  EXPECT_THAT(page("dinov2-giant-timm"), HasSubstr("dense         0.00"));
  EXPECT_THAT(page("dinov2-giant-timm"), testing::Not(HasSubstr("0.00 GFLOPs")));
}

TEST_F(CliModels, AreNamedWhereTheyAreOthers) {
  const Array two({2});
  const auto model = [&](const std::vector<std::string>& names) {
    std::vector<TensorToWrite> tensors;
    for (const std::string& name : names) tensors.push_back(to_write(name, two));
    write_safetensors(folder_ / "m.safetensors", tensors);
    return (folder_ / "m.safetensors").string();
  };
  expect_refused(
      run({"inspect", model({"layers.0.blocks.0.attn.relative_position_bias_table"})}),
      "its tensors look like those of a Swin Transformer; expected a Vision Transformer");
  expect_refused(run({"embed", model({"layer1.0.conv1.weight"}), picture("gray.png"), "-o",
                      folder_ / "o.npy"}),
                 "a ResNet");
  expect_refused(run({"inspect", model({"model.embed_tokens.weight"})}), "a text model");
  expect_refused(run({"inspect", model({"base_model.model.x.lora_A.weight"})}),
                 "an adapter (LoRA)");
}

}  // namespace
}  // namespace fovea
