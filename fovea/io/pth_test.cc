// torch's files: the goldens to the bit, and whatever is wrong refused by one line.
#include "fovea/io/pth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "fovea/io/pth_testing.h"
#include "fovea/io/tensor_file.h"
#include "fovea/io/tensor_file_testing.h"
#include "fovea/io/testing.h"
#include "tests/paths.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path kPth = test_data() / "goldens-pth";

TensorFile parse(const std::string& bytes, const std::string& key = {}) {
  static std::vector<std::unique_ptr<std::string>> kept;  // views are of it
  kept.push_back(std::make_unique<std::string>(bytes));
  return TensorFile::parse(as_bytes(*kept.back()), "m.pth", key);
}
std::string error(const std::string& bytes, const std::string& key = {}) {
  return error_of([&] { parse(bytes, key); });
}
std::string error_of_value(const std::string& value) { return error(pth_of(value, {1, 2, 3, 4})); }
std::string error_of_tensor(const std::string& tensor) {
  return error_of_value(py_dict({{"t", tensor}}));
}
std::vector<float> floats(const TensorFile& file, const std::string& name) {
  return to_floats(file.tensors().at(name), "m.pth");
}

const std::string kOne = py_tensor(py_storage("0", 4), 0, {4}, {1});

TEST(Pth, ReadsTheGoldensToTheBit) {
  for (const char* name : {"zip", "legacy", "nested", "args", "half", "views", "teacher"}) {
    SCOPED_TRACE(name);
    TensorFile file = TensorFile::open(kPth / (std::string(name) + ".pth"));
    file.take_off("backbone.");
    const bool half = std::string(name) == "half";
    expect_same_tensors(file,
                        TensorFile::open(kPth / (half ? "half.safetensors" : "state.safetensors")));
  }
}

TEST(Pth, RefusesTheBadGoldens) {
  const std::pair<const char*, const char*> cases[] = {
      {"bad-system", "needs posix.system"},
      {"bad-eval-legacy", "needs __builtin__.eval"},
      {"bad-truncated", "no zip directory at its end; is the file truncated?"},
      {"bad-past-end", "tensor cls_token reaches past its storage, 0 of 16 numbers"},
      {"bad-stride", "tensor cls_token reaches past its storage"},
      {"bad-shape", "tensor cls_token of size [8589934592, 8589934592] is larger than the whole"},
      {"bad-storage-short", "storage 0 is of 1099511627776 F32 numbers, but its record has 64"},
      {"bad-deep", "is a list of 1; expected a dict of tensors"},
      {"bad-cycle", "no dict of tensors where checkpoints have it; it holds model (a dict of 1)"},
      {"bad-laughs", "it holds model (a tuple of 2)"},
      {"bad-deflate", "is compressed; expected it stored as it is"},
      {"bad-size", "record bad/data/0 has 1073741824 bytes, of which only"}};
  for (const auto& [name, message] : cases) {
    const fs::path path = kPth / (std::string(name) + ".pth");
    const std::string said = error_of([&] { TensorFile::open(path); });
    EXPECT_THAT(said, HasSubstr(message));
    EXPECT_THAT(said, testing::StartsWith(path.string() + ": "));
  }
}

TEST(Pth, ViewsAreMappedAndOthersCopied) {
  const std::string bytes =
      pth_of(py_dict({{"rows", py_tensor(py_storage("0", 6), 2, {2, 2}, {2, 1})},
                      {"turned", py_tensor(py_storage("0", 6), 0, {3, 2}, {1, 3})},
                      {"same", py_tensor(py_storage("0", 6), 5, {3}, {0})},
                      {"none", py_tensor(py_storage("0", 6), 0, {0, 3}, {3, 1})},
                      {"scalar", py_tensor(py_storage("0", 6), 4, {}, {})},
                      {"one", py_tensor(py_storage("0", 6), 1, {1, 2}, {99, 1})}}),
             {0, 1, 2, 3, 4, 5});
  const PthFile file = parse_pth(as_bytes(bytes), "m.pth");
  const auto values = [&](const char* name) { return to_floats(file.tensors.at(name), ""); };
  EXPECT_THAT(values("rows"), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(values("turned"), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(values("same"), ElementsAre(5, 5, 5));
  EXPECT_THAT(values("scalar"), ElementsAre(4));
  EXPECT_THAT(values("one"), ElementsAre(1, 2));
  EXPECT_TRUE(values("none").empty());
  EXPECT_EQ(file.tensors.at("none").shape, (Shape{0, 3}));
  EXPECT_EQ(file.copies.size(), 2);
  const auto* const first = reinterpret_cast<const std::byte*>(bytes.data());
  const std::byte* const rows = file.tensors.at("rows").bytes.data();
  EXPECT_TRUE(rows > first && rows < first + bytes.size());
}

TEST(Pth, TakesTheDictThatCheckpointsMean) {
  const std::string other = py_tensor(py_storage("0", 4), 1, {1}, {1});
  const std::string model = py_dict({{"a", kOne}});
  const auto first = [](const TensorFile& file) { return file.tensors().begin()->first; };
  EXPECT_EQ(first(parse(pth_of(model, {1, 2, 3, 4}))), "a");
  const std::string loss = pth_of(py_dict({{"loss", other}, {"model", model}}), {1, 2, 3, 4});
  EXPECT_EQ(first(parse(loss)), "a");
  const std::string both =
      pth_of(py_dict({{"model", model}, {"model_ema", py_dict({{"b", kOne}})}, {"epoch", "K\x03"}}),
             {1, 2, 3, 4});
  EXPECT_EQ(first(parse(both)), "b");
  EXPECT_THAT(parse(both).notes(), ElementsAre("m.pth: its tensors are those under model_ema; "
                                               "model has some too: --key model"));
  EXPECT_EQ(first(parse(both, "model")), "a");
  EXPECT_TRUE(parse(both, "model").notes().empty());
  // With what else a state dict may hold.
  EXPECT_EQ(parse(pth_of(py_dict({{"a", kOne}, {"extra", "N"}}), {1, 2, 3, 4})).tensors().size(),
            1);
}

TEST(Pth, GoesFourDictsDeepAndNoFurther) {
  std::string value = py_dict({{"a", kOne}});
  for (const char* key : {"net", "module", "model", "state_dict"}) value = py_dict({{key, value}});
  EXPECT_EQ(error(pth_of(value, {1, 2, 3, 4})), "");
  value = py_dict({{"model", value}});
  EXPECT_THAT(error(pth_of(value, {1, 2, 3, 4})), HasSubstr("it holds model (a dict of 1)"));
  EXPECT_EQ(error(pth_of(value, {1, 2, 3, 4}), "model.state_dict"), "");
}

TEST(Pth, FollowsKeysAndListsWhatIsThere) {
  const std::string bytes =
      pth_of(py_dict({{"x", py_dict({{"y.z", py_dict({{"w", py_dict({{"a", kOne}})}})}})},
                      {"epoch", "K\x03"},
                      {"t", kOne}}),
             {1, 2, 3, 4});
  EXPECT_EQ(parse(bytes, "x.y.z.w").tensors().size(), 1);
  EXPECT_EQ(error(bytes, "x.q"),
            "m.pth: --key x.q: q is not there; expected one of y.z (a dict of 1)");
  EXPECT_EQ(error(bytes, "no"),
            "m.pth: --key no: no is not there; expected one of x (a dict of 1), epoch (the number "
            "3), t (a tensor)");
  EXPECT_EQ(error(bytes, "epoch"),
            "m.pth: --key epoch: is the number 3; expected a dict of tensors");
  for (const char* key : {".", "..", "x.", ".x", "x..y"}) error(bytes, key);  // end, in a line
}

TEST(Pth, RefusesTensorsOutsideTheirStorage) {
  const auto tensor = [](int64_t offset, std::vector<int64_t> size, std::vector<int64_t> stride) {
    return error_of_tensor(py_tensor(py_storage("0", 4), offset, size, stride));
  };
  EXPECT_EQ(tensor(0, {4}, {1}), "");
  EXPECT_EQ(tensor(4, {0}, {1}), "");
  EXPECT_THAT(tensor(1, {4}, {1}), HasSubstr("tensor t reaches past its storage"));
  EXPECT_THAT(tensor(4, {1}, {1}), HasSubstr("reaches past"));
  EXPECT_THAT(tensor(INT64_MAX, {2}, {INT64_MAX}), HasSubstr("reaches past"));
  EXPECT_THAT(tensor(0, {2, 2}, {INT64_MAX, INT64_MAX}), HasSubstr("reaches past"));
  EXPECT_THAT(tensor(-1, {1}, {1}), HasSubstr("has the number -1 for a size, stride or offset"));
  EXPECT_THAT(tensor(0, {-1}, {1}), HasSubstr("the number -1"));
  EXPECT_THAT(tensor(0, {2}, {-1}), HasSubstr("the number -1"));
  EXPECT_THAT(tensor(0, {2, 2}, {1}), HasSubstr("other strides than sizes"));
  EXPECT_THAT(tensor(0, {int64_t{1} << 40}, {0}), HasSubstr("larger than the whole file"));
  EXPECT_THAT(tensor(0, {0, INT64_MAX, 8}, {1, 1, 1}), HasSubstr("larger than the whole file"));
  EXPECT_THAT(error_of_tensor(py_tensor(py_storage("0", 5), 0, {1}, {1})),
              HasSubstr("storage 0 is of 5 F32 numbers, but its record has 16 bytes"));
  EXPECT_THAT(error_of_tensor(py_tensor(py_storage("0", 4, "HalfStorage"), 0, {1}, {1})),
              HasSubstr("storage 0 is of 4 F16 numbers"));
  EXPECT_THAT(error_of_tensor(py_tensor(py_storage("1", 4), 0, {1}, {1})),
              HasSubstr("has no record x/data/1"));
  EXPECT_THAT(error_of_tensor(py_tensor(py_storage("../0", 4), 0, {1}, {1})),
              HasSubstr("has no record x/data/../0"));
  EXPECT_THAT(error_of_tensor(py_tensor("N", 0, {1}, {1})), HasSubstr("has no storage"));
  EXPECT_THAT(error_of_tensor(py_tensor("NQ", 0, {1}, {1})), HasSubstr("no storage of torch's"));
  EXPECT_THAT(error_of_value(py_dict({{"t", kOne}, {"t", kOne}})), HasSubstr("t is there twice"));
}

// Each may be as large as the file, but not any number of them.
TEST(Pth, BoundsWhatOneStorageIsSpreadTo) {
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 40; ++i) {
    many.emplace_back(std::to_string(i), py_tensor(py_storage("0", 4), 0, {500}, {0}));
  }
  EXPECT_THAT(error_of_value(py_dict(many)), HasSubstr("larger than the whole file"));
  std::vector<float> values(1000);
  many.clear();
  for (int i = 0; i < 200; ++i) {
    many.emplace_back(std::to_string(i), "h\x01");
  }
  std::string value = py_dict(many);
  // The first is kept in the memo and comes again and again.
  const std::string kept = py_tensor(py_storage("0", 1000), 0, {1000}, {1}) + "q\x01";
  value.replace(value.find("h\x01"), 2, kept);
  EXPECT_EQ(error(pth_of(value, values)), "");
}

TEST(Pth, TakesParametersOfTensorsAlone) {
  const auto parameter = [](const std::string& of) {
    return py_global("torch._utils", "_rebuild_parameter") + py_tuple({of, "\x88", "}"}) + "R";
  };
  EXPECT_EQ(error_of_tensor(parameter(kOne)), "");
  EXPECT_THAT(error_of_tensor(parameter(parameter(kOne))), HasSubstr("Parameter of a Parameter"));
  EXPECT_THAT(error_of_tensor(parameter("N")), HasSubstr("a Parameter of no tensor"));
  EXPECT_THAT(error_of_tensor(py_global("torch._utils", "_rebuild_tensor") + ")R"),
              HasSubstr("lacks its size or strides"));
}

TEST(Pth, NamesOtherZips) {
  EXPECT_THAT(error(zip_of({{"a.npy", "x"}, {"b.npy", "y"}})),
              HasSubstr("is an npz file of NumPy arrays"));
  EXPECT_THAT(error(pth_of(kOne, {1}, {{"x/constants.pkl", ""}})), HasSubstr("is TorchScript"));
  EXPECT_THAT(error(pth_of(kOne, {1}, {{"x/code/__torch__.py", ""}})), HasSubstr("is TorchScript"));
  EXPECT_THAT(error(zip_of({{"a.png", "x"}})), HasSubstr("is a zip file without data.pkl"));
  EXPECT_EQ(error(zip_of({})),
            "m.pth: is a zip file without data.pkl (it is empty); expected one that torch.save "
            "wrote");
  EXPECT_THAT(error(pth_of(kOne, {1}, {{"y/data.pkl", ""}})),
              HasSubstr("has x/data.pkl and y/data.pkl; expected one"));
}

TEST(Pth, KnowsByteOrders) {
  const std::string value = py_dict({{"a", kOne}});
  EXPECT_EQ(error(pth_of(value, {1, 2, 3, 4}, {{"x/byteorder", "little"}})), "");
  EXPECT_EQ(error(pth_of(value, {1, 2, 3, 4}, {{"x/byteorder", "big"}})),
            "m.pth: its numbers are stored in byte order big; expected little");
}

std::string legacy(const std::string& value, const std::string& keys, const std::string& data,
                   const std::string& little_endian = "\x88") {
  return "\x80\x02\x8a\x0a" + std::string("l\xfc\x9c\x46\xf9 j\xa8P\x19.") + pickle("M\xe9\x03") +
         pickle(py_dict({{"little_endian", little_endian}})) + pickle(value) + pickle(keys) + data;
}

TEST(Pth, ReadsViewsOfTheOlderFormat) {
  const float values[] = {1, 2, 3, 4};
  const std::string data(reinterpret_cast<const char*>(values), sizeof(values));
  const std::string view =
      py_tuple({py_text("storage"), py_global("torch", "FloatStorage"), py_text("7"),
                py_text("cuda:0"), py_int(4), py_tuple({py_text("8"), py_int(1), py_int(2)})}) +
      "Q";
  const std::string keys = "]" + py_text("7") + "a";
  const std::string value = py_dict({{"t", py_tensor(view, 1, {1}, {1})}});
  EXPECT_THAT(floats(parse(legacy(value, keys, little(4, 8) + data)), "t"), ElementsAre(3));
  EXPECT_THAT(
      error(legacy(py_dict({{"t", py_tensor(view, 2, {1}, {1})}}), keys, little(4, 8) + data)),
      HasSubstr("tensor t reaches past its storage, 7 of 2 numbers"));
  EXPECT_THAT(error(legacy(value, keys, little(4, 8) + data, "\x89")),
              HasSubstr("not stored in little-endian order"));
  EXPECT_THAT(error(legacy(value, keys, little(3, 8) + data)), HasSubstr("but 3 are announced"));
  EXPECT_THAT(error(legacy(value, keys, little(4, 8) + data.substr(1))),
              HasSubstr("15 bytes follow"));
  EXPECT_THAT(error(legacy(value, keys, "")), HasSubstr("ends before its last storage"));
  EXPECT_THAT(error(legacy(value, "]", "")), HasSubstr("storage 7 is not in the file"));
  EXPECT_THAT(error(legacy(value, "]" + py_text("9") + "a", "")),
              HasSubstr("lists storage 9, which no tensor has"));
  EXPECT_THAT(error(legacy(value, keys.substr(0, keys.size() - 1) + "a" + py_text("7") + "a",
                           little(4, 8) + data)),
              HasSubstr("lists storage 7, which it has listed already"));
  EXPECT_THAT(error(legacy(value, "N", "")), HasSubstr("lacks the list of its storages"));
}

}  // namespace
}  // namespace fovea
