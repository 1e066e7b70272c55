// Pictures of every kind against Pillow's pixels, and what is refused with which words.
#include "fovea/data/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fovea/data/decoders.h"
#include "fovea/data/testing.h"
#include "fovea/io/npy.h"
#include "fovea/io/testing.h"
#include "tests/paths.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const fs::path kFolder = test_data() / "goldens-pictures";

std::vector<std::string> pictures() {
  return names_in(kFolder, [](const std::string& name) {
    return name.ends_with(".jpg") || name.ends_with(".png");
  });
}

std::string content(const std::string& name) {
  std::ifstream file(kFolder / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Image decode(const std::string& bytes) { return decode_image(as_bytes(bytes), "a.jpg"); }

std::string error(const std::string& bytes) {
  return error_of([&] { decode(bytes); });
}

TEST(Image, HasAllKindsToTest) { EXPECT_EQ(pictures().size(), 44U); }

class ImageGoldens : public ::testing::TestWithParam<std::string> {};

TEST_P(ImageGoldens, AreMetToTheBit) {
  std::string name = GetParam();
  const Image got = read_image(kFolder / name);
  std::replace(name.begin(), name.end(), '.', '-');
  const Array want = read_npy(kFolder / (name + ".npy"));
  ASSERT_EQ(want.shape, (Shape{got.height, got.width, 3}));
  EXPECT_EQ(std::vector<float>(got.rgb.begin(), got.rgb.end()), want.data);
}

// A JPEG that lacks as little as its last byte is refused, and so is a PNG that lacks one of its
// compressed bytes. What stands behind these tells nothing of the pixels. Nothing is printed.
TEST_P(ImageGoldens, AreRefusedWhenTruncated) {
  std::string whole = content(GetParam());
  if (GetParam() == "trailing.jpg") whole.resize(whole.size() - std::string("more").size());
  const bool is_png = GetParam().ends_with(".png");
  // Behind zlib's sum of the pixels, which itself is behind them, the chunk's sum and IEND.
  constexpr size_t kSum = 4;
  constexpr size_t kEnd = 12;
  const size_t needed = is_png ? whole.size() - kEnd - kSum : whole.size();
  const std::vector<uint8_t> pixels = decode(whole).rgb;
  ::testing::internal::CaptureStderr();
  for (size_t size = 0; size < needed - (is_png ? kSum : 0); ++size) {
    ASSERT_THAT(error(whole.substr(0, size)), HasSubstr("a.jpg: ")) << size << " bytes";
  }
  for (size_t size = needed; size < whole.size(); ++size) {
    ASSERT_EQ(decode(whole.substr(0, size)).rgb, pixels) << size << " bytes";
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

// Whatever bytes are wrong: a picture or an Error, nothing else.
TEST_P(ImageGoldens, SurviveWrongBytes) {
  const std::string whole = content(GetParam());
  ::testing::internal::CaptureStderr();
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string wrong = whole;
    wrong[at] = static_cast<char>(wrong[at] ^ (at % 2 == 0 ? 0xFF : 0x10));
    try {
      const Image image = decode(wrong);
      ASSERT_EQ(image.rgb.size(), size_t{3} * image.width * image.height);
    } catch (const Error& error) {
      ASSERT_THAT(error.what(), HasSubstr("a.jpg: "));
    }
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

INSTANTIATE_TEST_SUITE_P(Pictures, ImageGoldens, ::testing::ValuesIn(pictures()),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) c = c == '-' || c == '.' ? '_' : c;
                           return name;
                         });

TEST(Image, RefusesWhatIsNoPicture) {
  const std::string expected = "expected JPEG, PNG, WebP, TIFF, HEIC or AVIF";
  EXPECT_EQ(error(""), "a.jpg: no picture; " + expected);
  EXPECT_EQ(error("this is text"), "a.jpg: no picture; " + expected);
  EXPECT_EQ(error("GIF89a"), "a.jpg: is a GIF picture; " + expected);
  EXPECT_EQ(error("BM6"), "a.jpg: is a BMP picture; " + expected);
  EXPECT_EQ(error("\x89PNG\r\n"), "a.jpg: no picture; " + expected);
  EXPECT_THAT(error("\xff\xd8\xff\xe0 and then text"), HasSubstr("a.jpg: broken JPEG: "));
  EXPECT_EQ(error("\x89PNG\r\n\x1a\n"), "a.jpg: broken PNG: the file ends too early");
}

TEST(Image, NamesTheFile) {
  const TemporaryFolder folder;
  write_file(folder / "text.png", "text");
  EXPECT_EQ(error_of([&] { read_image(folder / "text.png"); }),
            (folder / "text.png").string() +
                ": no picture; expected JPEG, PNG, WebP, TIFF, HEIC or AVIF");
  EXPECT_THAT(error_of([&] { read_image(folder / "none.jpg"); }),
              HasSubstr((folder / "none.jpg").string()));
}

// What Pillow opens, too.
TEST(Image, ReadsPngsWithAWrongSumOrWithoutAnEnd) {
  const std::string whole = content("rgb-8.png");
  const std::vector<uint8_t> pixels = decode(whole).rgb;
  const size_t end = whole.rfind("IEND") - 4;
  std::string wrong = whole;
  wrong[end - 1] ^= 1;  // the last byte of the sum of IDAT
  EXPECT_EQ(decode(wrong).rgb, pixels);
  EXPECT_EQ(decode(whole.substr(0, end)).rgb, pixels);
}

TEST(Image, SaysHowFilesAreBroken) {
  std::string png = content("rgb-8.png");
  png[png.find("IDAT") + 20] ^= 1;
  EXPECT_THAT(error(png), HasSubstr("a.jpg: broken PNG: IDAT"));
  const std::string jpeg = content("baseline-444.jpg");
  EXPECT_EQ(error(jpeg.substr(0, jpeg.size() - 2)),
            "a.jpg: broken JPEG: Premature end of JPEG file");
}

TEST(Image, TakesUpTo100Megapixels) {
  EXPECT_EQ(error_of([] { check_image_size(10'000, 10'000, "a"); }), "");
  EXPECT_EQ(error_of([] { check_image_size(100'000'000, 1, "a"); }), "");
  EXPECT_EQ(error_of([] { check_image_size(10'001, 10'000, "a"); }),
            "a: 10001 x 10000 pixels; expected at most 100 megapixels");
  EXPECT_THAT(error_of([] { check_image_size(1, 100'000'001, "a"); }), HasSubstr("at most 100"));
  EXPECT_THAT(error_of([] { check_image_size(0xFFFFFFFF, 0xFFFFFFFF, "a"); }),
              HasSubstr("4294967295 x 4294967295"));
  EXPECT_EQ(error_of([] { check_image_size(0, 7, "a"); }), "a: a picture of 0 x 7 pixels");
}

// By their header alone: there are no pixels to be read.
TEST(Image, RefusesLargerPicturesByTheirSize) {
  using namespace std::string_literals;
  const std::string magic = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"s;
  const std::string data = "\0\0\0\1IDAT"s;
  EXPECT_EQ(error(magic + "\0\x01\x86\xa1\0\0\x03\xe8\x08\x02\0\0\0=}\xbak"s + data),
            "a.jpg: 100001 x 1000 pixels; expected at most 100 megapixels");
  EXPECT_EQ(error(magic + "\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\0\0\0\x9b\xab\x9c\x31"s + data),
            "a.jpg: 2147483647 x 2147483647 pixels; expected at most 100 megapixels");
  std::string jpeg = content("baseline-444.jpg");
  jpeg.replace(jpeg.find("\xff\xc0") + 5, 4, "\xff\xdc\xff\xdc");
  EXPECT_EQ(error(jpeg), "a.jpg: 65500 x 65500 pixels; expected at most 100 megapixels");
}

TEST(Image, RefusesEndlessScans) {
  std::string jpeg = content("gray-progressive.jpg");
  const size_t last = jpeg.rfind("\xff\xda");
  const std::string scan = jpeg.substr(last, jpeg.size() - 2 - last);
  for (int i = 0; i < 20; ++i) jpeg.insert(last, scan);
  EXPECT_EQ(error(jpeg), "");
  for (int i = 0; i < 500; ++i) jpeg.insert(last, scan);
  EXPECT_EQ(error(jpeg), "a.jpg: broken JPEG: more than 500 scans");
}

TEST(Image, RefusesOddNumbersOfComponents) {
  std::string jpeg = content("baseline-444.jpg");
  const size_t header = jpeg.find("\xff\xc0");
  jpeg[header + 3] = 8 + 3 * 2;        // the header's length
  jpeg[header + 9] = 2;                // components
  jpeg.erase(header + 10 + 3 * 2, 3);  // the third
  const size_t scan = jpeg.find("\xff\xda");
  jpeg[scan + 3] = 6 + 2 * 2;
  jpeg[scan + 4] = 2;
  jpeg.erase(scan + 5 + 2 * 2, 2);
  EXPECT_THAT(error(jpeg), AllOf(HasSubstr("of 2 components"), HasSubstr("expected 1, 3 or 4")));
}

}  // namespace
}  // namespace fovea
