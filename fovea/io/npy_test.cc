// npy files: the goldens' own, all versions, and what is refused with which words.
#include "fovea/io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "fovea/io/testing.h"
#include "tests/paths.h"

namespace fovea {
namespace {

using ::testing::HasSubstr;

std::string npy(const std::string& header, const std::string& data = "", int version = 1) {
  std::string text = std::string("\x93NUMPY") + static_cast<char>(version) + '\0';
  const auto length = static_cast<uint32_t>(header.size());
  char bytes[4];
  std::memcpy(bytes, &length, 4);
  return text + std::string(bytes, version == 1 ? 2 : 4) + header + data;
}

std::string header(const std::string& dtype, const std::string& shape) {
  return "{'descr': '" + dtype + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

template <typename T>
std::string raw(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

Array parse(const std::string& file) { return parse_npy(as_bytes(file), "a.npy"); }

std::string error(const std::string& file) {
  return error_of([&] { parse(file); });
}

TEST(Npy, ReadsAGolden) {
  const Array array = read_npy(test_data() / "goldens/vit/input.npy");
  EXPECT_EQ(array.shape, (Shape{2, 3, 48, 48}));
  ASSERT_EQ(array.data.size(), 2U * 3 * 48 * 48);
  double square = 0;
  for (const float value : array.data) square += value * value;
  EXPECT_NEAR(square / static_cast<double>(array.data.size()), 1.0, 0.1);  // normalised
}

TEST(Npy, ReadsAllVersionsAndTypes) {
  const std::vector<float> expected = {1.5F, -2.0F};
  for (const int version : {1, 2, 3}) {
    const Array array = parse(npy(header("<f4", "(2,)"), raw({1.5F, -2.0F}), version));
    EXPECT_EQ(array.shape, Shape{2}) << version;
    EXPECT_EQ(array.data, expected) << version;
  }
  EXPECT_EQ(parse(npy(header("<f8", "(2,)"), raw({1.5, -2.0}))).data, expected);
  EXPECT_EQ(parse(npy(header("<f2", "(2,)"), raw<uint16_t>({0x3E00, 0xC000}))).data, expected);
}

TEST(Npy, DoublesBeyondFloatsBecomeInfinite) {
  EXPECT_EQ(parse(npy(header("<f8", "(1,)"), raw({1e300}))).data[0],
            std::numeric_limits<float>::infinity());
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  const Array scalar = parse(npy(header("<f4", "()"), raw({3.0F})));
  EXPECT_EQ(scalar.shape, Shape{});
  EXPECT_EQ(scalar.data, std::vector<float>{3.0F});
  const Array none = parse(npy(header("<f4", "(0, 5)")));
  EXPECT_EQ(none.shape, (Shape{0, 5}));
  EXPECT_TRUE(none.data.empty());
}

TEST(Npy, ToleratesSpacingOrderAndQuotes) {
  for (const char* text :
       {"{\"shape\":(2,),'descr':\"<f4\",'fortran_order':False}",
        " { 'fortran_order' : False , 'shape' : ( 2 , ) , 'descr' : '<f4' , }  \t\n"}) {
    EXPECT_EQ(parse(npy(text, raw({1.0F, 2.0F}))).shape, Shape{2}) << text;
  }
  EXPECT_EQ(
      parse(npy("{'descr':'<f4','fortran_order':False,'shape':(1,2)}", raw({1.0F, 2.0F}))).shape,
      (Shape{1, 2}));
}

TEST(Npy, RefusesOtherTypesByName) {
  EXPECT_EQ(error(npy(header("<i8", "(1,)"), raw<int64_t>({1}))),
            "a.npy: has dtype <i8; expected <f4, <f2 or <f8");
  EXPECT_THAT(error(npy(header(">f4", "(1,)"), "1234")), HasSubstr("has dtype >f4; expected"));
  EXPECT_THAT(error(npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}")),
              HasSubstr("[('x', '<f4')]"));
  EXPECT_EQ(error(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2)}",
                      raw<float>({1, 2, 3, 4}))),
            "a.npy: is in Fortran order; expected C order");
}

TEST(Npy, RefusesWhatIsNotNpy) {
  EXPECT_EQ(error("this is text"), "a.npy: does not start as an npy file does");
  EXPECT_EQ(error(""), "a.npy: does not start as an npy file does");
  EXPECT_EQ(error("\x93NUMPY\x01"), "a.npy: does not start as an npy file does");
  EXPECT_EQ(error(npy("{}", "", 4)), "a.npy: has npy version 4.0; expected 1.0, 2.0 or 3.0");
  EXPECT_THAT(error(npy("{}", "", 0)), HasSubstr("has npy version 0.0"));
}

TEST(Npy, RefusesEveryTruncation) {
  const std::string whole = npy(header("<f4", "(2,)"), raw({1.0F, 2.0F}));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(error(whole.substr(0, size)), "") << size;
  }
  EXPECT_THAT(error(whole.substr(0, 40)), HasSubstr("ends within the npy header"));
  EXPECT_EQ(
      error(whole.substr(0, whole.size() - 1)),
      "a.npy: <f4 of shape [2] needs 8 bytes, but 7 follow the header; is the file truncated?");
  EXPECT_EQ(error(whole + "x"), "a.npy: <f4 of shape [2] needs 8 bytes, but 9 follow the header");
}

TEST(Npy, RefusesHugeAndBrokenShapes) {
  EXPECT_EQ(error(npy(header("<f4", "(4294967296, 4294967296)"))),
            "a.npy: shape [4294967296, 4294967296] is too large");
  EXPECT_THAT(error(npy(header("<f4", "(0, 4611686018427387904, 4)"))), HasSubstr("too large"));
  EXPECT_THAT(error(npy(header("<f4", "(1000000000000,)"))),
              HasSubstr("needs 4000000000000 bytes"));
  for (const char* shape : {"(-1,)", "(9223372036854775808,)", "(1.5,)", "(a,)", "(,)", "(2 3)",
                            "(2", "(2)", "2", "[2]", "(2,,)", "(2L,)", "(+2,)"}) {
    EXPECT_THAT(error(npy(header("<f4", shape))), HasSubstr("the npy header has '")) << shape;
  }
  std::string many = "(";
  for (int i = 0; i < 65; ++i) many += "1,";
  EXPECT_THAT(error(npy(header("<f4", many + ")"))), HasSubstr("more than 64 dimensions"));
}

TEST(Npy, RefusesBrokenHeaders) {
  EXPECT_THAT(error(npy("")), HasSubstr("expected a dictionary"));
  EXPECT_THAT(error(npy("{")), HasSubstr("expected a key"));
  EXPECT_THAT(error(npy("{}")), HasSubstr("has no 'descr'"));
  EXPECT_THAT(error(npy("{'descr': '<f4'}")), HasSubstr("has no 'fortran_order'"));
  EXPECT_THAT(error(npy("{'descr': '<f4', 'fortran_order': False}")), HasSubstr("has no 'shape'"));
  EXPECT_THAT(error(npy("{'descr': '<f4', 'descr': '<f4'}")), HasSubstr("the key 'descr' twice"));
  EXPECT_THAT(error(npy("{'colour': 3}")), HasSubstr("the key 'colour'; expected descr"));
  EXPECT_THAT(error(npy("{'descr' '<f4'}")), HasSubstr("expected a colon"));
  EXPECT_THAT(error(npy("{'descr': '<f4}")), HasSubstr("expected a plain dtype"));
  EXPECT_THAT(error(npy("{'fortran_order': 0}")), HasSubstr("expected True or False"));
  EXPECT_THAT(error(npy("{'descr': '<f4' 'shape': ()}")), HasSubstr("expected a comma or the end"));
  EXPECT_THAT(error(npy(header("<f4", "()") + "rest", "1234")),
              HasSubstr("has 'rest'; expected nothing"));
  EXPECT_THAT(error(npy("{'\n': 3}")), HasSubstr("the key '?'"));
}

TEST(Npy, WritesWhatItReads) {
  const TemporaryFolder folder;
  const auto path = folder / "a.npy";
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3}, Shape{3, 0}, Shape(20, 1)}) {
    Array array(shape);
    for (size_t i = 0; i < array.data.size(); ++i) array.data[i] = static_cast<float>(i) - 1.5F;
    write_npy(path, array);
    const Array again = read_npy(path);
    EXPECT_EQ(again.shape, array.shape);
    EXPECT_EQ(again.data, array.data);
    EXPECT_EQ((std::filesystem::file_size(path) - array.data.size() * sizeof(float)) % 64, 0U);
  }
}

TEST(Npy, WritesAsNumPyDoes) {
  // The golden was written by NumPy.
  const std::filesystem::path golden = test_data() / "goldens/vit/input.npy";
  const TemporaryFolder folder;
  write_npy(folder / "a.npy", read_npy(golden));
  const auto read = [](const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  EXPECT_EQ(read(folder / "a.npy"), read(golden));
}

TEST(Npy, RefusesToWriteAnInconsistentArray) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { write_npy(folder / "a.npy", Array(Shape{3}, {1.0F})); }),
              HasSubstr("a.npy: 1 values can't be written as an array of shape [3]"));
  EXPECT_EQ(folder.count(), 0U);
  EXPECT_THAT(error_of([&] { write_npy("/dev/full", Array(Shape{3})); }),
              HasSubstr("No space left"));
}

TEST(Npy, NamesAMissingFile) {
  EXPECT_THAT(error_of([] { read_npy("none.npy"); }),
              HasSubstr("none.npy: cannot be opened: No such file"));
}

}  // namespace
}  // namespace fovea
