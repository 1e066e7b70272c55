#include "fovea/data/changes.h"

#include <gtest/gtest.h>

#include <span>

#include "fovea/io/npy.h"
#include "tests/paths.h"

namespace fovea {
namespace {

// goldens-augment/changes.npy, [31, 14, 20, 3]: a picture, and what Pillow makes of it with each
// change at level 9, first in the positive direction, then in the negative one.
class Changes : public testing::Test {
 protected:
  static Image picture(int index) {
    static const Array goldens = read_npy(test_data() / "goldens-augment/changes.npy");
    const auto height = static_cast<int>(goldens.shape[1]);
    const auto width = static_cast<int>(goldens.shape[2]);
    const size_t size = size_t{3} * width * height;
    const auto values = std::span(goldens.data).subspan(index * size, size);
    return {width, height, std::vector<uint8_t>(values.begin(), values.end())};
  }
  static constexpr Rgb kFill = {124, 116, 104};
};

TEST_F(Changes, AreThoseOfPillowToTheBit) {
  const Image source = picture(0);
  for (const bool negative : {false, true}) {
    for (int i = 0; i < kChanges; ++i) {
      const Image ours = changed(source, static_cast<Change>(i), 9, negative, kFill);
      const Image theirs = picture(1 + i + (negative ? kChanges : 0));
      EXPECT_EQ(ours.rgb, theirs.rgb) << "change " << i << ", negative " << negative;
    }
  }
}

TEST_F(Changes, OfLevelZeroLeaveThePictureOrItsPlace) {
  const Image source = picture(0);
  for (const Change change :
       {Change::solarize, Change::solarize_add, Change::color, Change::contrast, Change::brightness,
        Change::sharpness, Change::rotate, Change::shear_x, Change::shear_y, Change::translate_x,
        Change::translate_y}) {
    EXPECT_EQ(changed(source, change, 0, false, kFill).rgb, source.rgb)
        << "change " << static_cast<int>(change);
  }
}

TEST_F(Changes, TakePicturesOfOnePixel) {
  const Image dot = {1, 1, {10, 200, 90}};
  for (int i = 0; i < kChanges; ++i) {
    EXPECT_EQ(changed(dot, static_cast<Change>(i), 10, true, kFill).rgb.size(), 3U);
  }
}

}  // namespace
}  // namespace fovea
