// A file's format is told by what it holds, whatever it is called; shards are one file.
#include "fovea/io/tensor_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fovea/io/pth_testing.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using std::string_view_literals::operator""sv;

class TensorFileTest : public testing::Test {
 protected:
  void shard(const std::string& name, const std::vector<std::string>& tensors) const {
    std::vector<TensorToWrite> all;
    for (const std::string& tensor : tensors) all.push_back(to_write(tensor, kValues));
    write_safetensors(folder_ / name, all);
  }
  std::string index(const nlohmann::json& map) const {
    write_file(folder_ / "i.json", nlohmann::json({{"weight_map", map}}).dump());
    return folder_ / "i.json";
  }
  std::string error(const std::string& path, const std::string& key = {}) const {
    return error_of([&] { TensorFile::open(path, key); });
  }
  std::string error_of_content(std::string_view content) const {
    write_file(folder_ / "m.safetensors", content);
    return error(folder_ / "m.safetensors");
  }

  static inline const Array kValues{{2}, {1, 2}};
  TemporaryFolder folder_;
};

TEST_F(TensorFileTest, GoesByTheContent) {
  shard("tensors.pth", {"a"});
  EXPECT_EQ(TensorFile::open(folder_ / "tensors.pth").tensors().at("a").shape, Shape{2});
  const std::string dict = py_dict({{"b", py_tensor(py_storage("0", 4), 0, {4}, {1})}});
  write_file(folder_ / "torch.safetensors", pth_of(dict, {1, 2, 3, 4}));
  EXPECT_EQ(TensorFile::open(folder_ / "torch.safetensors").tensors().at("b").shape, Shape{4});
}

TEST_F(TensorFileTest, OutlivesWhatItWasOpenedBy) {
  shard("a.safetensors", {"a"});
  shard("b.safetensors", {"b"});
  TensorFile copy;
  {
    const TensorFile file =
        TensorFile::open(index({{"a", "a.safetensors"}, {"b", "b.safetensors"}}));
    copy = file;
  }
  EXPECT_THAT(to_floats(copy.tensors().at("b"), ""), ElementsAre(1, 2));
}

TEST_F(TensorFileTest, NamesWhatIsNoTensors) {
  EXPECT_THAT(error_of_content("GGUF\3\0\0\0and more"sv),
              HasSubstr("m.safetensors: is a GGUF file; expected safetensors or torch's .pth"));
  EXPECT_THAT(error_of_content("version https://git-lfs.github.com/spec/v1\noid sha256:1"),
              HasSubstr("is a git-lfs pointer, which stands for a file that was not downloaded"));
  EXPECT_THAT(error_of_content("<!DOCTYPE html><html>"), HasSubstr("is an HTML page"));
  EXPECT_THAT(error_of_content(zip_of({{"x.npy", "1"}})), HasSubstr("is an npz file"));
  EXPECT_THAT(error_of_content(zip_of({})),
              HasSubstr("is a zip file without data.pkl (it is empty)"));
  EXPECT_THAT(error_of_content(std::string(100, 'x')), HasSubstr("expected a safetensors file"));
  EXPECT_THAT(error_of_content("short"), HasSubstr("has 5 bytes; expected a safetensors file"));
  EXPECT_THAT(error_of_content(""), HasSubstr("is empty"));
  EXPECT_THAT(error(folder_.path()), HasSubstr("is a folder"));
  EXPECT_THAT(error(folder_ / "none"), HasSubstr("cannot be opened"));
}

TEST_F(TensorFileTest, TakesShardsAsOne) {
  shard("a.safetensors", {"a", "not in the index"});
  shard("b.safetensors", {"b", "c"});
  const std::string path =
      index({{"a", "a.safetensors"}, {"b", "b.safetensors"}, {"c", "b.safetensors"}});
  const TensorFile file = TensorFile::open(path);
  EXPECT_EQ(file.tensors().size(), 3);
  EXPECT_EQ(file.file_name(), path);
  EXPECT_THAT(to_floats(file.tensors().at("c"), ""), ElementsAre(1, 2));
}

TEST_F(TensorFileTest, HoldsShardsToTheirIndex) {
  shard("a.safetensors", {"a"});
  EXPECT_EQ(error(index({{"a", "a.safetensors"}, {"b", "b.safetensors"}})),
            (folder_ / "i.json").string() + ": the shard b.safetensors is missing");
  EXPECT_EQ(error(index({{"b", "a.safetensors"}})),
            (folder_ / "a.safetensors").string() +
                ": lacks the tensor b, which should be there by " + (folder_ / "i.json").string());
  for (const char* name : {"../a.safetensors", "/a.safetensors", "x/a.safetensors", "..", ".", "",
                           "x\\a.safetensors"}) {
    EXPECT_THAT(error(index({{"a", name}})), HasSubstr("expected a plain name of a file beside it"))
        << name;
  }
  EXPECT_THAT(error(index({{"a", 1}})),
              HasSubstr("weight_map a is 1; expected the name of a shard"));
  EXPECT_THAT(error(index(nlohmann::json::object())), HasSubstr("its weight_map is empty"));
  EXPECT_THAT(error(index({{"a", "i.json"}})), HasSubstr("i.json: is a JSON file; expected"));
  write_file(folder_ / "config.json", "{\"model_type\": \"vit\"}");
  EXPECT_THAT(error(folder_ / "config.json"), HasSubstr("config.json: has no weight_map"));
}

TEST_F(TensorFileTest, HasKeysInTorchsFilesAlone) {
  shard("a.safetensors", {"a"});
  EXPECT_THAT(error(folder_ / "a.safetensors", "model"),
              HasSubstr("--key model: only torch's .pth, .pt and .bin hold dicts in dicts"));
  EXPECT_THAT(error(index({{"a", "a.safetensors"}}), "model"),
              HasSubstr("--key model: a model in shards holds no dicts in dicts"));
}

TEST_F(TensorFileTest, TakesAPrefixOffThatSomeNamesHave) {
  shard("a.safetensors", {"net.a", "net.b", "epoch"});
  TensorFile file = TensorFile::open(folder_ / "a.safetensors");
  file.take_off("net.");
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors()) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("a", "b", "epoch"));
  EXPECT_EQ(file.tensors().at("a").name, "net.a") << "as the file spells it";
}

}  // namespace
}  // namespace fovea
