#include "fovea/report/masks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "fovea/io/testing.h"
#include "fovea/report/groups.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Image grey(int width, int height, uint8_t value) {
  return {width, height, std::vector<uint8_t>(size_t{3} * width * height, value)};
}

Rgb at(const Image& image, int x, int y) {
  const uint8_t* rgb = image.rgb.data() + 3 * (static_cast<size_t>(y) * image.width + x);
  return {rgb[0], rgb[1], rgb[2]};
}

Rgb half(const Rgb& a, uint8_t b) {
  Rgb mixed;
  for (int c = 0; c < 3; ++c) mixed[c] = static_cast<uint8_t>((a[c] + b) / 2);
  return mixed;
}

TEST(MaskColour, NeighboursDiffer) {
  std::set<Rgb> colours;
  for (int number = 1; number <= 64; ++number) colours.insert(mask_colour(number));
  EXPECT_EQ(colours.size(), 64U);
  EXPECT_EQ(mask_colour(1), (Rgb{30, 143, 255}));
}

TEST(DrawMasks, MasksAreHalfInTheirColoursWithLinesWhereTheyEnd) {
  const std::vector<uint16_t> labels = {0, 0, 1, 1, 2, 2,  //
                                        0, 0, 1, 1, 2, 2};
  const Image drawn = draw_masks(grey(6, 2, 80), labels);
  EXPECT_EQ(at(drawn, 0, 0), (Rgb{80, 80, 80}));
  EXPECT_EQ(at(drawn, 1, 1), (Rgb{80, 80, 80}));
  EXPECT_EQ(at(drawn, 2, 0), line_on(half(mask_colour(1), 80)));
  EXPECT_EQ(at(drawn, 3, 1), half(mask_colour(1), 80));
  EXPECT_EQ(at(drawn, 4, 1), line_on(half(mask_colour(2), 80)));
  EXPECT_EQ(at(drawn, 5, 0), half(mask_colour(2), 80));
}

TEST(DrawMasks, LinesAreThickerInLargePictures) {
  std::vector<uint16_t> labels(2000);
  std::fill(labels.begin() + 1000, labels.end(), 1);
  const Image drawn = draw_masks(grey(2000, 1, 80), labels);
  int line = 0;
  for (int x = 0; x < 2000; ++x) {
    const Rgb colour = at(drawn, x, 0);
    line += colour != Rgb{80, 80, 80} && colour != half(mask_colour(1), 80) ? 1 : 0;
  }
  EXPECT_EQ(line, 3);
}

TEST(CutOut, WhatIsInNoMaskIsGone) {
  const std::vector<uint16_t> labels = {0, 1,  //
                                        2, 0};
  const CutOut cut = cut_out(grey(2, 2, 80), labels);
  EXPECT_THAT(cut.alpha, ElementsAre(0, 255, 255, 0));
  EXPECT_EQ(at(cut.image, 0, 0), (Rgb{0, 0, 0}));
  EXPECT_EQ(at(cut.image, 1, 0), (Rgb{80, 80, 80}));
  EXPECT_EQ(at(cut.image, 0, 1), (Rgb{80, 80, 80}));
}

TEST(Masks, EveryPixelHasANumber) {
  const std::vector<uint16_t> labels(5);
  EXPECT_THAT(error_of([&] { draw_masks(grey(2, 3, 0), labels); }),
              HasSubstr("5 numbers of masks for a picture of 2 x 3 pixels"));
  EXPECT_THAT(error_of([&] { cut_out(grey(2, 3, 0), labels); }), HasSubstr("5 numbers of masks"));
}

}  // namespace
}  // namespace fovea
