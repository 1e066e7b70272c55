#include "fovea/data/chroma.h"

#include <gtest/gtest.h>

#include <vector>

namespace fovea {
namespace {

// Light of 100 everywhere and these colours.
std::vector<uint8_t> rgb_of(int width, int height, const std::vector<uint8_t>& u,
                            const std::vector<uint8_t>& v, bool is_full_range = true) {
  const std::vector<uint8_t> y(static_cast<size_t>(width) * height, 100);
  const ptrdiff_t stride = (width + 1) / 2;
  std::vector<uint8_t> rgb(3 * y.size());
  put_rgb({.width = width,
           .height = height,
           .y = {y.data(), width},
           .u = {u.data(), stride},
           .v = {v.data(), stride},
           .is_full_range = is_full_range},
          3, rgb.data());
  return rgb;
}

TEST(Chroma, WithoutColourIsGrey) {
  EXPECT_EQ(rgb_of(1, 1, {128}, {128}), (std::vector<uint8_t>{100, 100, 100}));
  // (100 - 16) * 255 / 219 = 97.8
  EXPECT_EQ(rgb_of(1, 1, {128}, {128}, false), (std::vector<uint8_t>{98, 98, 98}));
}

// BT.601: R = Y + 1.402 V, G = Y - 0.344 U - 0.714 V, B = Y + 1.772 U.
TEST(Chroma, IsThatOfTheMatrix) {
  EXPECT_EQ(rgb_of(1, 1, {138}, {128}), (std::vector<uint8_t>{100, 97, 118}));
  EXPECT_EQ(rgb_of(1, 1, {128}, {138}), (std::vector<uint8_t>{114, 93, 100}));
  EXPECT_EQ(rgb_of(1, 1, {128}, {255}), (std::vector<uint8_t>{255, 9, 100})) << "clipped";
}

// Red alone, of samples that lie in the middle of four pixels: 128 and 168 give 128, 138, 158, 168
// along a row.
TEST(Chroma, IsInterpolated) {
  const auto red = [](int v) { return static_cast<uint8_t>(100 + 1.402 * (v - 128) + 0.5); };
  const std::vector<uint8_t> row = rgb_of(4, 1, {128, 128}, {128, 168});
  const std::vector<uint8_t> column = rgb_of(1, 4, {128, 128}, {128, 168});
  const std::vector<int> expected = {128, 138, 158, 168};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(row[3 * i], red(expected[i])) << i;
    EXPECT_EQ(column[3 * i], red(expected[i])) << i;
  }
  // In both directions: 9, 3, 3 and 1 of 16.
  const std::vector<uint8_t> square = rgb_of(3, 3, {128, 128, 128, 128}, {128, 128, 128, 208});
  EXPECT_EQ(square[3 * 4], red(128 + 80 / 16));
  EXPECT_EQ(square[3 * 8], red(128 + 80 * 9 / 16));
}

}  // namespace
}  // namespace fovea
