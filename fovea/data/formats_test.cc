// WebP, TIFF, HEIC and AVIF against Pillow's pixels; turning, backgrounds and cut files of all
// formats. TIFF, HEIC and AVIF are skipped where the libraries that read them are not installed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fovea/data/decoders.h"
#include "fovea/data/image.h"
#include "fovea/data/orientation.h"
#include "fovea/data/testing.h"
#include "fovea/io/npy.h"
#include "fovea/io/testing.h"
#include "tests/paths.h"
#include "tests/subprocess.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const fs::path kFolder = test_data() / "goldens-formats";
const fs::path kOthers = test_data() / "goldens-pictures";

// Pictures of a folder whose names pass.
std::vector<std::string> pictures(const fs::path& folder,
                                  const std::function<bool(const std::string&)>& passes) {
  return names_in(folder, [&](const std::string& name) {
    return !name.ends_with(".npy") && !name.ends_with(".py") && passes(name);
  });
}

// The file of Pillow's pixels; `more`: "-background" or "".
fs::path golden(std::string name, const std::string& more) {
  std::replace(name.begin(), name.end(), '.', '-');
  return kFolder / (name + more + ".npy");
}

// Why a file can't be read here, where that is for want of a library.
std::optional<std::string> missing_for(const fs::path& path) {
  try {
    read_image(path);
  } catch (const MissingLibrary& missing) {
    return missing.reason();
  } catch (const Error&) {
  }
  return std::nullopt;
}

#define SKIP_WITHOUT_LIBRARY(path) \
  if (const auto reason = missing_for(path)) GTEST_SKIP() << "skipped: " << *reason

// Other versions of decoders may round otherwise, and libavif clips elsewhere where it enlarges
// colours.
double tolerance(const std::string& name) {
  if (name == "halved.avif") return 30;
  return name.ends_with(".heic") || name.ends_with(".avif") ? 1 : 0;
}

void expect_pixels(const Image& got, const fs::path& file, double tolerance) {
  const Array want = read_npy(file);
  ASSERT_EQ(want.shape, (Shape{got.height, got.width, 3}));
  double furthest = 0;
  for (size_t i = 0; i < got.rgb.size(); ++i) {
    furthest = std::max<double>(furthest, std::abs(got.rgb[i] - want.data[i]));
  }
  EXPECT_LE(furthest, tolerance);
}

std::string content(const std::string& name) { return read_all(kFolder / name); }

Image decode(const std::string& bytes, const ReadOptions& options = {}) {
  return decode_image(as_bytes(bytes), "a.jpg", options);
}

std::string error(const std::string& bytes, const ReadOptions& options = {}) {
  return error_of([&] { decode(bytes, options); });
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) c = c == '-' || c == '.' ? '_' : c;
  return name;
}

bool is_whole(const std::string& name) { return !name.starts_with("cut-"); }
bool is_cut(const std::string& name) { return !is_whole(name); }

class Formats : public ::testing::TestWithParam<std::string> {};

TEST_P(Formats, GiveThePixelsOfPillow) {
  const fs::path file = kFolder / GetParam();
  SKIP_WITHOUT_LIBRARY(file);
  ::testing::internal::CaptureStderr();
  expect_pixels(read_image(file), golden(GetParam(), ""), tolerance(GetParam()));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

// Whatever is wrong or lacking: a picture or an Error, and nothing is printed but by the decoders
// that libheif calls, which it does not keep from it.
TEST_P(Formats, SurviveDamage) {
  SKIP_WITHOUT_LIBRARY(kFolder / GetParam());
  const std::string whole = content(GetParam());
  const auto try_it = [&](const std::string& bytes) {
    for (const bool accept : {false, true}) {
      try {
        const Image image = decode(bytes, {.background = Rgb{}, .accept_truncated = accept});
        ASSERT_EQ(image.rgb.size(), size_t{3} * image.width * image.height);
      } catch (const Error& error) {
        ASSERT_THAT(error.what(), HasSubstr("a.jpg: "));
      }
    }
  };
  ::testing::internal::CaptureStderr();
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string wrong = whole;
    wrong[at] = static_cast<char>(wrong[at] ^ (at % 2 == 0 ? 0xFF : 0x10));
    try_it(wrong);
    try_it(whole.substr(0, at));
  }
  const std::string printed = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(tolerance(GetParam()) > 0 || printed.empty()) << printed;
}

INSTANTIATE_TEST_SUITE_P(Pictures, Formats, ::testing::ValuesIn(pictures(kFolder, is_whole)),
                         test_name);

TEST(FormatsList, HasAllKindsToTest) {
  EXPECT_EQ(pictures(kFolder, is_whole).size(), 35U);
  EXPECT_EQ(pictures(kFolder, is_cut).size(), 6U);
}

// Both what Pillow writes itself and PNGs of every kind of alpha.
TEST(Background, ShowsThroughAsInPillow) {
  const ReadOptions options{.background = Rgb{10, 200, 99}};
  int count = 0;
  for (const fs::path& folder : {kFolder, kOthers}) {
    for (const std::string& name : pictures(folder, is_whole)) {
      if (!fs::exists(golden(name, "-background")) || missing_for(folder / name)) continue;
      SCOPED_TRACE(name);
      expect_pixels(read_image(folder / name, options), golden(name, "-background"),
                    tolerance(name));
      ++count;
    }
  }
  EXPECT_GE(count, 12);
}

TEST(Background, ChangesNothingWithoutAlpha) {
  for (const char* name : {"baseline-420.jpg", "rgb-8.png", "gray-16.png", "palette-4.png"}) {
    EXPECT_EQ(read_image(kOthers / name, {.background = Rgb{10, 200, 99}}).rgb,
              read_image(kOthers / name).rgb);
  }
}

// 16-bit grey of which one value is transparent, which libpng has in four bytes a pixel.
TEST(Background, ShowsThroughDeepGrey) {
  const fs::path file = kFolder / "gray-16-transparent.png";
  const Image plain = read_image(file);
  const Image got = read_image(file, {.background = Rgb{10, 200, 99}});
  ASSERT_EQ(got.rgb.size(), plain.rgb.size());
  for (size_t i = 0; i < got.rgb.size(); i += 3) {
    const bool transparent = plain.rgb[i] == plain.rgb[0];
    EXPECT_EQ(got.rgb[i], transparent ? 10 : plain.rgb[i]);
    EXPECT_EQ(got.rgb[i + 1], transparent ? 200 : plain.rgb[i]);
  }
}

TEST(Cut, PicturesAreWhatPillowMakesOfThem) {
  for (const std::string& name : pictures(kFolder, is_cut)) {
    SCOPED_TRACE(name);
    expect_pixels(read_image(kFolder / name, {.accept_truncated = true}), golden(name, ""), 0);
    EXPECT_THAT(error_of([&] { read_image(kFolder / name); }), HasSubstr("broken"));
  }
}

// What Pillow refuses: the rows that are there, and below them black.
TEST(Cut, WebpsKeepTheirRows) {
  const std::string whole = content("tall.webp");
  const Image all = decode(whole);
  const std::string half = whole.substr(0, whole.size() / 2);
  EXPECT_EQ(error(half), "a.jpg: broken WebP: the file ends too early");
  const Image got = decode(half, {.accept_truncated = true});
  ASSERT_EQ(got.rgb.size(), all.rgb.size());
  const auto differs = std::mismatch(got.rgb.begin(), got.rgb.end(), all.rgb.begin()).first;
  EXPECT_GE(differs - got.rgb.begin(), 3 * got.width * 16);
  EXPECT_LE(differs - got.rgb.begin(), 3 * got.width * 80);
  EXPECT_TRUE(std::all_of(differs, got.rgb.end(), [](uint8_t x) { return x == 0; }));
}

// A progressive JPEG that ends within a table: the scans before that.
TEST(Cut, ProgressiveJpegsKeepTheirScans) {
  const std::string whole = read_all(kOthers / "progressive-444.jpg");
  const size_t table = whole.rfind("\xff\xc4");
  const std::string before = whole.substr(0, table);
  const ReadOptions accept{.accept_truncated = true};
  EXPECT_THAT(error(whole.substr(0, table + 9)), HasSubstr("broken JPEG"));
  EXPECT_EQ(decode(whole.substr(0, table + 9), accept).rgb, decode(before, accept).rgb);
}

TEST(Cut, FilesWithoutAnyPixelsAreRefused) {
  const ReadOptions accept{.accept_truncated = true};
  EXPECT_THAT(error(read_all(kOthers / "rgb-8.png").substr(0, 30), accept), HasSubstr("broken"));
  EXPECT_THAT(error(read_all(kOthers / "gray.jpg").substr(0, 100), accept), HasSubstr("broken"));
  EXPECT_THAT(error(content("lossy.webp").substr(0, 22), accept), HasSubstr("broken WebP"));
}

TEST(ReadOptions, TurnWhatExifSays) {
  for (const fs::path& file :
       {kOthers / "exif-turned.jpg", kFolder / "turned.png", kFolder / "turned.webp"}) {
    const Image lying = read_image(file);
    Decoded expected{.width = lying.width, .height = lying.height, .samples = lying.rgb};
    turn_upright(expected, 6);
    const auto counts = std::make_shared<ReadCounts>();
    const Image got = read_image(file, {.orient = Orient::exif, .counts = counts});
    EXPECT_EQ(got.width, lying.height) << file;
    EXPECT_EQ(got.rgb, expected.samples) << file;
    EXPECT_EQ(counts->not_turned, 0);
    read_image(file, {.counts = counts});
    EXPECT_EQ(counts->not_turned, 1);
  }
}

// A TIFF is turned in any case, as Pillow does it, and so nothing is counted.
TEST(ReadOptions, HaveNoSayInHowTiffsLie) {
  SKIP_WITHOUT_LIBRARY(kFolder / "turned.tif");
  const auto counts = std::make_shared<ReadCounts>();
  const Image plain = read_image(kFolder / "turned.tif", {.counts = counts});
  EXPECT_EQ(plain.width, 13);
  EXPECT_EQ(read_image(kFolder / "turned.tif", {.orient = Orient::exif}).rgb, plain.rgb);
  EXPECT_EQ(counts->not_turned, 0);
}

TEST(ReadOptions, CountDeepGreyThatSaturates) {
  const auto counts = std::make_shared<ReadCounts>();
  for (const char* name : {"gray-8.png", "rgb-16.png", "gray-alpha-16.png"}) {
    read_image(kOthers / name, {.counts = counts});
  }
  EXPECT_EQ(counts->saturated, 0);
  read_image(kOthers / "gray-16.png", {.counts = counts});
  EXPECT_EQ(counts->saturated, 1);
  SKIP_WITHOUT_LIBRARY(kFolder / "gray-16.tif");
  read_image(kFolder / "gray-16.tif", {.counts = counts});
  EXPECT_EQ(counts->saturated, 2);
}

TEST(ReadOptions, LimitThePixels) {
  std::vector<fs::path> files = {kOthers / "gray.jpg", kOthers / "rgb-8.png"};
  for (const char* name : {"lossy.webp", "animation.webp", "rgb-lzw.tif", "rgb-16-tiles.tif",
                           "bilevel.tif", "rgb.heic", "rgb.avif"}) {
    if (!missing_for(kFolder / name)) files.push_back(kFolder / name);
  }
  for (const fs::path& file : files) {
    EXPECT_THAT(error_of([&] { read_image(file, {.max_pixels = 100}); }),
                AllOf(HasSubstr(file.string()), HasSubstr("; expected at most 0 megapixels")));
    EXPECT_EQ(error_of([&] { read_image(file, {.max_pixels = 21 * 13}); }), "");
  }
}

// By what it says, before anything is allocated.
TEST(ReadOptions, LimitTheCanvasOfAnimations) {
  std::string webp = content("animation.webp");
  webp.replace(webp.find("VP8X") + 12, 6, std::string("\x5f\xea\0\x5f\xea\0", 6));
  EXPECT_EQ(error(webp), "a.jpg: 60000 x 60000 pixels; expected at most 100 megapixels");
}

TEST(Tiff, SaysWhatIsWrongInOneLine) {
  SKIP_WITHOUT_LIBRARY(kFolder / "rgb-lzw.tif");
  const std::string whole = content("rgb-lzw.tif");
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(error(whole.substr(0, 100)), HasSubstr("a.jpg: broken TIFF: "));
  EXPECT_THAT(error(whole.substr(0, 100), {.accept_truncated = true}), HasSubstr("broken TIFF: "));
  EXPECT_THAT(error(std::string("II*\0", 4)), HasSubstr("a.jpg: broken TIFF: "));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

// As Pillow's libavif does; where each is repeated, it is 8.1 off on average.
TEST(Heif, EnlargesColoursOfAvifSmoothly) {
  SKIP_WITHOUT_LIBRARY(kFolder / "halved.avif");
  const Image got = read_image(kFolder / "halved.avif");
  const Array want = read_npy(golden("halved.avif", ""));
  double off = 0;
  for (size_t i = 0; i < got.rgb.size(); ++i) off += std::abs(got.rgb[i] - want.data[i]);
  EXPECT_LT(off / static_cast<double>(got.rgb.size()), 1);
  // With alpha it goes the same way, and is opaque.
  EXPECT_EQ(read_image(kFolder / "halved.avif", {.background = Rgb{}}).rgb, got.rgb);
}

TEST(Heif, SaysWhatIsWrongInOneLine) {
  SKIP_WITHOUT_LIBRARY(kFolder / "rgb.heic");
  EXPECT_THAT(error(content("rgb.heic").substr(0, 500)), HasSubstr("a.jpg: broken HEIC: "));
  EXPECT_THAT(error(content("rgb.avif").substr(0, 300)), HasSubstr("a.jpg: broken AVIF: "));
}

}  // namespace
}  // namespace fovea
