// safetensors: the goldens' own files, what is refused with which words, and what is written.
#include "fovea/io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "fovea/io/testing.h"
#include "tests/paths.h"

namespace fovea {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string length_bytes(uint64_t length) {
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes;
}

// A whole file.
std::string file(const std::string& header, const std::string& data = "") {
  return length_bytes(header.size()) + header + data;
}

// A header's entry.
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

std::string error(const std::string& content) {
  return error_of([&] { SafeTensors::parse(as_bytes(content), "m.safetensors"); });
}

// The error of a file of one tensor "t" and as much data as given.
std::string entry_error(const std::string& dtype, const std::string& shape,
                        const std::string& offsets, size_t data = 16) {
  return error(file("{" + entry("t", dtype, shape, offsets) + "}", std::string(data, 'x')));
}

// The error of a file with just this header.
std::string header_error(const std::string& header) { return error(file(header)); }

TEST(SafeTensors, ReadsAGolden) {
  const auto path = test_data() / "goldens/vit/r3.safetensors";
  const SafeTensors golden = SafeTensors::open(path);
  EXPECT_EQ(golden.file_name(), path.string());
  std::vector<std::string> names;
  for (const auto& [name, tensor] : golden.tensors()) {
    EXPECT_EQ(name, tensor.name);
    names.push_back(name);
  }
  EXPECT_THAT(names, ElementsAre("features", "logits", "sizes", "source", "tokens"));
  EXPECT_EQ(golden.tensors().at("tokens").shape, (Shape{2, 28, 48}));
  EXPECT_EQ(golden.tensors().at("source").dtype, "I32");
  const std::vector<float> sizes = to_floats(golden.tensors().at("sizes"), "");
  float sum = 0;
  for (const float size : sizes) sum += size;
  EXPECT_EQ(sum, 2 * 37.0F);  // all tokens of both images are somewhere
}

TEST(SafeTensors, ConvertsTheThreeTypesUnaligned) {
  // One byte first, so that nothing that follows is aligned.
  const std::string content = file(
      "{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("b", "F32", "[2]", "[1,9]") + "," +
          entry("c", "F16", "[1,2]", "[9,13]") + "," + entry("d", "BF16", "[]", "[13,15]") + "}  ",
      std::string("\x07\x00\x00\xC0\x3F\x00\x00\x00\xC0\x01\x00\x00\xFC\x80\x3F", 15));
  const SafeTensors tensors = SafeTensors::parse(as_bytes(content), "m");
  const auto floats = [&](const char* name) { return to_floats(tensors.tensors().at(name), "m"); };
  EXPECT_THAT(floats("b"), ElementsAre(1.5F, -2.0F));
  EXPECT_THAT(floats("c"), ElementsAre(0x1p-24F, -INFINITY));
  EXPECT_THAT(floats("d"), ElementsAre(1.0F));
  EXPECT_EQ(tensors.tensors().at("d").shape, Shape{});
}

TEST(SafeTensors, OtherTypesMayBeThereButAreNotConverted) {
  const std::pair<const char*, int> types[] = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
      {"U16", 2},  {"I16", 2}, {"U32", 4}, {"I32", 4},     {"U64", 8},
      {"I64", 8},  {"F64", 8}, {"C64", 8}, {"F8_E8M0", 1}};
  for (const auto& [dtype, size] : types) {
    const std::string content =
        file("{" + entry("head.weight", dtype, "[3]", "[0," + std::to_string(3 * size) + "]") + "}",
             std::string(static_cast<size_t>(3 * size), 'x'));
    const SafeTensors tensors = SafeTensors::parse(as_bytes(content), "model.safetensors");
    EXPECT_EQ(
        error_of([&] { to_floats(tensors.tensors().at("head.weight"), tensors.file_name()); }),
        std::string("model.safetensors: tensor head.weight is ") + dtype +
            "; expected F32, F16 or BF16" +
            (std::string(dtype) == "F64" ? ": fovea convert --dtype f32 rounds it" : ""));
  }
}

TEST(SafeTensors, AcceptsNoTensorsEmptyTensorsAndMetadata) {
  const std::string content =
      file("{\"__metadata__\":{\"format\":\"pt\",\"a b\":\"\"}," +
               entry("none", "F32", "[0,4]", "[4,4]") + "," + entry("one", "F32", "[1]", "[0,4]") +
               "," + entry("nothing", "I64", "[0]", "[0,0]") + "}",
           "1234");
  const SafeTensors tensors = SafeTensors::parse(as_bytes(content), "m");
  EXPECT_EQ(tensors.tensors().size(), 3U);
  EXPECT_EQ(tensors.metadata().at("format"), "pt");
  EXPECT_EQ(tensors.metadata().size(), 2U);
  EXPECT_EQ(header_error("{}"), "");
}

TEST(SafeTensors, RefusesWrongHeaderLengths) {
  EXPECT_EQ(error(""),
            "m.safetensors: has 0 bytes; expected a safetensors file, which starts with 8 bytes of "
            "header length");
  EXPECT_THAT(error("1234567"), HasSubstr("has 7 bytes"));
  EXPECT_EQ(error(length_bytes(uint64_t{1} << 60) + "{}"),
            "m.safetensors: says that its header has 1152921504606846976 bytes; expected a "
            "safetensors file, with 100000000 at most");
  EXPECT_THAT(error(length_bytes(UINT64_MAX) + "{}"), HasSubstr("18446744073709551615 bytes"));
  EXPECT_THAT(error(length_bytes(UINT64_MAX - 7) + "{}"), HasSubstr("with 100000000 at most"));
  EXPECT_EQ(error(length_bytes(3) + "{}"),
            "m.safetensors: says that its header has 3 bytes, but only 2 follow; is the file "
            "truncated?");
  EXPECT_THAT(error(length_bytes(0)), HasSubstr("the header does not start with {"));
}

TEST(SafeTensors, RefusesBrokenJson) {
  EXPECT_EQ(header_error("[]"), "m.safetensors: the header does not start with {");
  EXPECT_THAT(header_error(" {}"), HasSubstr("does not start with {"));
  EXPECT_EQ(header_error("{\"a\":"), "m.safetensors: the header is not valid JSON at byte 6");
  EXPECT_THAT(header_error("{} {}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(header_error("{\"\xFF\":{}}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(header_error("{'a':{}}"), HasSubstr("not valid JSON"));
  EXPECT_EQ(header_error(std::string("{}\0x", 4)),
            "m.safetensors: the header is not valid JSON at byte 3");
}

TEST(SafeTensors, RefusesDeepNestingAtOnce) {
  std::string lists = "{\"a\":{\"shape\":";
  lists.append(size_t{50} << 20, '[');
  EXPECT_EQ(header_error(lists),
            "m.safetensors: shape of tensor a has a list; expected a list of integers from 0 to "
            "2^63 - 1");
  std::string objects;
  for (int i = 0; i < 1000000; ++i) objects += "{\"a\":";
  EXPECT_THAT(header_error(objects), HasSubstr("tensor a has the key a"));
  EXPECT_THAT(header_error("{\"__metadata__\":{\"x\":{\"x\":"),
              HasSubstr("__metadata__ x is an object; expected a string"));
}

TEST(SafeTensors, RefusesDuplicateAndUnknownKeys) {
  const std::string one = entry("t", "F32", "[0]", "[0,0]");
  EXPECT_EQ(header_error("{" + one + "," + one + "}"),
            "m.safetensors: tensor t is in the header twice");
  EXPECT_THAT(header_error("{\"__metadata__\":{},\"__metadata__\":{}}"),
              HasSubstr("__metadata__ is in the header twice"));
  EXPECT_THAT(header_error("{\"__metadata__\":{\"x\":\"1\",\"x\":\"2\"}}"),
              HasSubstr("__metadata__ has the key x twice"));
  EXPECT_EQ(header_error("{\"t\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}"),
            "m.safetensors: tensor t has the key dtype twice");
  EXPECT_EQ(header_error("{\"t\":{\"strides\":[1]}}"),
            "m.safetensors: tensor t has the key strides; expected dtype, shape and data_offsets");
  EXPECT_EQ(header_error("{\"t\":{}}"), "m.safetensors: tensor t has no dtype");
  EXPECT_EQ(header_error("{\"t\":{\"dtype\":\"F32\",\"shape\":[]}}"),
            "m.safetensors: tensor t has no data_offsets");
}

TEST(SafeTensors, RefusesWrongJsonTypes) {
  EXPECT_EQ(header_error("{\"t\":3}"), "m.safetensors: tensor t is 3; expected an object");
  EXPECT_THAT(header_error("{\"t\":null}"), HasSubstr("tensor t is null; expected an object"));
  EXPECT_THAT(header_error("{\"t\":[1]}"), HasSubstr("tensor t is a list; expected an object"));
  EXPECT_THAT(header_error("{\"__metadata__\":\"x\"}"),
              HasSubstr("__metadata__ is \"x\"; expected an object"));
  EXPECT_THAT(header_error("{\"__metadata__\":{\"x\":1}}"),
              HasSubstr("__metadata__ x is 1; expected a string"));
  EXPECT_THAT(header_error("{\"t\":{\"dtype\":true}}"),
              HasSubstr("dtype of tensor t is true; expected a string"));
  EXPECT_THAT(header_error("{\"t\":{\"dtype\":[\"F32\"]}}"),
              HasSubstr("is a list; expected a string"));
  EXPECT_THAT(entry_error("F32", "\"[4]\"", "[0,16]"),
              HasSubstr("shape of tensor t is \"[4]\"; expected a list of integers"));
  EXPECT_THAT(entry_error("F32", "4", "[0,16]"), HasSubstr("shape of tensor t is 4"));
  EXPECT_THAT(entry_error("F32", "[\"4\"]", "[0,16]"), HasSubstr("shape of tensor t has \"4\""));
  EXPECT_THAT(entry_error("F32", "[4]", "{}"), HasSubstr("data_offsets of tensor t is an object"));
  EXPECT_THAT(
      entry_error("F32", "[4]", "[0]"),
      HasSubstr("data_offsets of tensor t has one number; expected a list of two integers"));
  EXPECT_THAT(entry_error("F32", "[4]", "[]"), HasSubstr("has an empty list"));
  EXPECT_THAT(entry_error("F32", "[4]", "[0,16,16]"), HasSubstr("has a third number"));
}

TEST(SafeTensors, RefusesNumbersThatAreNotSizes) {
  EXPECT_THAT(
      entry_error("F32", "[-4]", "[0,16]"),
      HasSubstr("shape of tensor t has -4; expected a list of integers from 0 to 2^63 - 1"));
  EXPECT_THAT(entry_error("F32", "[4.0]", "[0,16]"), HasSubstr("has 4.0; expected"));
  EXPECT_THAT(entry_error("F32", "[4]", "[0,1e999]"),
              HasSubstr("data_offsets of tensor t has 1e999; expected a list of two integers"));
  EXPECT_THAT(entry_error("F32", "[4]", "[0,9223372036854775808]"),
              HasSubstr("has 9223372036854775808; expected"));
  EXPECT_THAT(entry_error("F32", "[18446744073709551617]", "[0,16]"),
              HasSubstr("has 18446744073709551617; expected"));
}

TEST(SafeTensors, RefusesUnknownTypesByName) {
  EXPECT_EQ(entry_error("F128", "[1]", "[0,16]"),
            "m.safetensors: tensor t has the unknown dtype F128; expected one of the format's, "
            "such as F32");
  EXPECT_THAT(entry_error("f32", "[4]", "[0,16]"), HasSubstr("tensor t has the unknown dtype f32"));
}

TEST(SafeTensors, RefusesSizesThatDoNotFit) {
  EXPECT_EQ(entry_error("F32", "[5]", "[0,16]"),
            "m.safetensors: tensor t: F32 of shape [5] needs 20 bytes, but data_offsets [0, 16] "
            "hold 16");
  EXPECT_THAT(entry_error("F16", "[4]", "[0,16]"), HasSubstr("F16 of shape [4] needs 8 bytes"));
  EXPECT_EQ(entry_error("F32", "[4]", "[16,0]"),
            "m.safetensors: tensor t: data_offsets [16, 0] run backwards");
  EXPECT_EQ(entry_error("F32", "[4]", "[0,16]", 15),
            "m.safetensors: tensor t ends at byte 16 of the data, but there are only 15; is the "
            "file truncated?");
  EXPECT_THAT(entry_error("F32", "[4]", "[9223372036854775791,9223372036854775807]"),
              HasSubstr("ends at byte 9223372036854775807"));
  EXPECT_EQ(entry_error("F32", "[4294967296,4294967296]", "[0,0]"),
            "m.safetensors: tensor t: shape [4294967296, 4294967296] is too large");
  // 2^62 + 4 elements of 4 bytes would be 16 bytes, modulo 2^64.
  EXPECT_THAT(entry_error("F32", "[4611686018427387908]", "[0,16]"), HasSubstr("is too large"));
  EXPECT_THAT(entry_error("F32", "[0,4611686018427387904,4]", "[0,0]"), HasSubstr("is too large"));
  std::string shape = "[1";
  for (int i = 0; i < 64; ++i) shape += ",1";
  EXPECT_EQ(entry_error("F32", shape + "]", "[0,4]"),
            "m.safetensors: tensor t has more than 64 dimensions");
}

TEST(SafeTensors, RefusesOverlapsAndHoles) {
  const std::string data(16, 'x');
  const auto two = [&](const char* first, const char* second) {
    return error(
        file("{" + entry("a", "F32", "[2]", first) + "," + entry("b", "F32", "[2]", second) + "}",
             data));
  };
  EXPECT_EQ(two("[0,8]", "[8,16]"), "");
  EXPECT_EQ(two("[8,16]", "[0,8]"), "");
  EXPECT_EQ(two("[0,8]", "[4,12]"), "m.safetensors: tensors a and b overlap");
  EXPECT_EQ(two("[8,16]", "[8,16]"), "m.safetensors: bytes 0 to 8 of the data belong to no tensor");
  EXPECT_EQ(two("[0,8]", "[0,8]"), "m.safetensors: tensors a and b overlap");
  EXPECT_THAT(entry_error("F32", "[3]", "[0,12]"),
              HasSubstr("bytes 12 to 16 of the data belong to"));
  EXPECT_THAT(entry_error("F32", "[3]", "[4,16]"), HasSubstr("bytes 0 to 4 of the data belong to"));
  EXPECT_EQ(error(file("{}", "x")), "m.safetensors: bytes 0 to 1 of the data belong to no tensor");
}

TEST(SafeTensors, MessagesStayShortAndOneLine) {
  const std::string name = "bad\\nname" + std::string(10000, 'x');
  const std::string message = header_error("{\"" + name + "\":1}");
  EXPECT_THAT(message, StartsWith("m.safetensors: tensor bad?name"));
  EXPECT_LT(message.size(), 250U);
}

TEST(SafeTensors, RefusesEveryTruncation) {
  const std::string whole = file("{" + entry("t", "F32", "[2]", "[0,8]") + "}", "12345678");
  EXPECT_EQ(error(whole), "");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(error(whole.substr(0, size)), "") << size;
  }
}

TEST(SafeTensors, OpenNamesThePath) {
  const TemporaryFolder folder;
  write_file(folder / "text.safetensors", "This is just a text and no model.");
  EXPECT_THAT(error_of([&] { SafeTensors::open(folder / "text.safetensors"); }),
              EndsWith("expected a safetensors file, with 100000000 at most"));
  EXPECT_THAT(error_of([&] { SafeTensors::open(folder / "none"); }), HasSubstr("No such file"));
  EXPECT_THAT(error_of([&] { SafeTensors::open(folder.path()); }), HasSubstr("is a folder"));
}

TEST(WriteSafeTensors, WritesWhatItReads) {
  const TemporaryFolder folder;
  const Array floats(Shape{2, 2}, {1.0F, -2.5F, 1e-40F, INFINITY});
  const IntArray ints(Shape{3}, {1, -2, 3});
  const Array none(Shape{0, 7});
  const uint8_t bytes[] = {1, 2, 3};
  write_safetensors(folder / "a",
                    {{"bytes", "U8", Shape{3}, std::as_bytes(std::span(bytes))},
                     to_write("ints", ints),
                     to_write("floats", floats),
                     to_write("none", none)},
                    {{"format", "pt"}, {"quote", "\"\n"}});
  const SafeTensors read = SafeTensors::open(folder / "a");
  EXPECT_EQ(read.tensors().size(), 4U);
  EXPECT_EQ(read.tensors().at("floats").shape, (Shape{2, 2}));
  EXPECT_EQ(to_floats(read.tensors().at("floats"), ""), floats.data);
  const TensorView& source = read.tensors().at("ints");
  EXPECT_EQ(source.dtype, "I32");
  EXPECT_EQ(std::memcmp(source.bytes.data(), ints.data.data(), source.bytes.size()), 0);
  EXPECT_EQ(read.metadata().at("quote"), "\"\n");
  for (const auto& [name, tensor] : read.tensors()) {
    const size_t size = tensor.dtype == "U8" ? 1 : 4;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.bytes.data()) % size, 0U) << name;
  }
  EXPECT_EQ(folder.count(), 1U);
}

TEST(WriteSafeTensors, MayReplaceTheFileItReads) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", {to_write("t", Array(Shape{2}, {1.0F, 2.0F}))});
  const SafeTensors read = SafeTensors::open(folder / "a");
  const TensorView& tensor = read.tensors().at("t");
  write_safetensors(folder / "a", {{"u", tensor.dtype, tensor.shape, tensor.bytes}});
  EXPECT_THAT(to_floats(SafeTensors::open(folder / "a").tensors().at("u"), ""),
              ElementsAre(1.0F, 2.0F));
}

TEST(WriteSafeTensors, RefusesWhatCouldNotBeReadBack) {
  const TemporaryFolder folder;
  const Array array(Shape{2}, {1.0F, 2.0F});
  const auto error = [&](const std::vector<TensorToWrite>& tensors) {
    return error_of([&] { write_safetensors(folder / "a", tensors); });
  };
  EXPECT_THAT(error({to_write("t", array), to_write("t", array)}),
              HasSubstr("a: the tensor name t can't be written twice"));
  EXPECT_THAT(error({to_write("__metadata__", array)}), HasSubstr("the tensor name __metadata__"));
  EXPECT_THAT(error({to_write("t\xFF", array)}), HasSubstr("is not UTF-8"));
  EXPECT_THAT(error({{"t", "F99", Shape{2}, {}}}), HasSubstr("unknown dtype F99"));
  EXPECT_THAT(error({to_write("t", Array(Shape{3}, {1.0F}))}),
              HasSubstr("tensor t: F32 of shape [3] can't be written from 4 bytes"));
  EXPECT_EQ(folder.count(), 0U);
  EXPECT_THAT(error_of([&] { write_safetensors("/dev/full", {to_write("t", array)}); }),
              HasSubstr("/dev/full: cannot be written: No space left on device"));
}

}  // namespace
}  // namespace fovea
