#include "fovea/data/orientation.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "fovea/data/decoders.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

// A picture whose pixels are letters, one row after the other.
Decoded letters(const std::string& rows, int width, bool has_alpha) {
  Decoded picture{
      .width = width, .height = static_cast<int>(rows.size()) / width, .has_alpha = has_alpha};
  for (const char c : rows) {
    picture.samples.insert(picture.samples.end(), {static_cast<uint8_t>(c), 1, 2});
    if (has_alpha) picture.samples.push_back(3);
  }
  return picture;
}

// As EXIF's standard draws them: where the first row and the first column of the file belong.
TEST(Orientation, TurnsUpright) {
  constexpr std::array kUpright = {"ABCDEF", "CBAFED", "FEDCBA", "DEFABC",
                                   "ADBECF", "DAEBFC", "FCEBDA", "CFBEAD"};
  for (const bool has_alpha : {false, true}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      Decoded picture = letters("ABCDEF", 3, has_alpha);
      turn_upright(picture, orientation);
      const int width = orientation < 5 ? 3 : 2;
      EXPECT_EQ(picture.width, width) << orientation;
      EXPECT_EQ(picture.height, 6 / width) << orientation;
      EXPECT_EQ(picture.samples, letters(kUpright[orientation - 1], width, has_alpha).samples)
          << orientation;
    }
  }
}

constexpr std::string_view kLittle(
    "II*\0\x08\0\0\0\x02\0"               // two entries
    "\x00\x01\x03\0\x01\0\0\0\x05\0\0\0"  // a width
    "\x12\x01\x03\0\x01\0\0\0\x06\0\0\0",
    34);
constexpr std::string_view kBig("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0", 22);

int orientation(const std::string& exif) { return exif_orientation(as_bytes(exif)); }

TEST(Orientation, IsReadInBothByteOrders) {
  EXPECT_EQ(orientation(std::string(kLittle)), 6);
  EXPECT_EQ(orientation(std::string(kBig)), 8);
  EXPECT_EQ(orientation(std::string("Exif\0\0", 6) + std::string(kLittle)), 6);
}

TEST(Orientation, IsUprightWhereNothingElseIsSaid) {
  EXPECT_EQ(orientation(""), 1);
  EXPECT_EQ(orientation("text"), 1);
  for (const char value : {0, 9}) {
    std::string wrong(kLittle);
    wrong[30] = value;
    EXPECT_EQ(orientation(wrong), 1);
  }
  std::string other_type(kLittle);
  other_type[24] = 4;
  EXPECT_EQ(orientation(other_type), 1);
  std::string elsewhere(kLittle);
  elsewhere.replace(4, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(orientation(elsewhere), 1);
  for (size_t size = 0; size < 31; ++size) {
    EXPECT_EQ(orientation(std::string(kLittle.substr(0, size))), 1) << size;
  }
}

}  // namespace
}  // namespace fovea
