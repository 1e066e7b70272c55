// Palettes: exact where they can be, close where they can't.
#include "fovea/data/palette.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace fovea {
namespace {

std::vector<Rgb> random_colours(size_t count, int levels, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Rgb> colours(count);
  for (Rgb& colour : colours) {
    for (uint8_t& channel : colour)
      channel = static_cast<uint8_t>(random() % levels * 255 / (levels - 1));
  }
  return colours;
}

double mean_square_error(std::span<const Rgb> pixels, std::span<const Rgb> palette) {
  NearestColour nearest(palette);
  double sum = 0;
  for (const Rgb& pixel : pixels) {
    const Rgb& shown = palette[nearest(pixel)];
    for (int c = 0; c < 3; ++c) sum += (pixel[c] - shown[c]) * (pixel[c] - shown[c]);
  }
  return sum / static_cast<double>(3 * pixels.size());
}

TEST(Palette, IsExactWhereColoursAreFew) {
  std::vector<Rgb> pixels = random_colours(5000, 6, 1);  // 216 colours
  std::vector<Rgb> palette = choose_palette(pixels, 216);
  std::sort(pixels.begin(), pixels.end());
  pixels.erase(std::unique(pixels.begin(), pixels.end()), pixels.end());
  EXPECT_THAT(palette, testing::UnorderedElementsAreArray(pixels));
  EXPECT_EQ(choose_palette(std::vector<Rgb>(7, Rgb{1, 2, 3}), 255), (std::vector<Rgb>{{1, 2, 3}}));
}

TEST(Palette, IsExactForColoursSideBySide) {
  std::vector<Rgb> pixels;
  for (int i = 0; i < 250; ++i) pixels.push_back({200, static_cast<uint8_t>(i), 201});
  EXPECT_THAT(choose_palette(pixels, 250), testing::UnorderedElementsAreArray(pixels));
}

// Even cells of the cube would be 255 / 6 wide, with an error of 42.5^2 / 12 = 150; ours must do
// better on a cloud that leaves most of the cube empty.
TEST(Palette, GoesWhereThePixelsAre) {
  std::mt19937 random(3);
  std::normal_distribution<float> noise(0, 6);
  std::vector<Rgb> pixels(40'000);
  for (Rgb& pixel : pixels) {
    const float along = static_cast<float>(random() % 200);
    for (uint8_t& channel : pixel) {
      channel = static_cast<uint8_t>(std::clamp(along + 28 + noise(random), 0.0F, 255.0F));
    }
  }
  const std::vector<Rgb> palette = choose_palette(pixels, 255);
  EXPECT_EQ(palette.size(), 255U);
  EXPECT_LT(mean_square_error(pixels, palette), 15);
}

TEST(Palette, MoreColoursAreCloser) {
  const std::vector<Rgb> pixels = random_colours(30'000, 256, 4);
  double before = 1e9;
  for (const int most : {1, 2, 8, 64, 255}) {
    const std::vector<Rgb> palette = choose_palette(pixels, most);
    EXPECT_EQ(palette.size(), static_cast<size_t>(most));
    const double error = mean_square_error(pixels, palette);
    EXPECT_LT(error, before);
    before = error;
  }
}

TEST(NearestColour, IsTheNearest) {
  const std::vector<Rgb> palette = {{0, 0, 0}, {255, 255, 255}, {250, 10, 10}};
  NearestColour nearest(palette);
  EXPECT_EQ(nearest({10, 20, 5}), 0);
  EXPECT_EQ(nearest({200, 230, 240}), 1);
  EXPECT_EQ(nearest({200, 30, 40}), 2);
  EXPECT_EQ(nearest({200, 30, 40}), 2);
}

}  // namespace
}  // namespace fovea
