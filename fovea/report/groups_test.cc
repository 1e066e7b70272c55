// Drawings of labelled patches: colours, lines and hatching where they belong, and nowhere else.
#include "fovea/report/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

Image grey_image(int width, int height, const std::vector<uint8_t>& values) {
  Image image{width, height, {}};
  for (const uint8_t value : values) image.rgb.insert(image.rgb.end(), 3, value);
  return image;
}

Image plain(int width, int height, const Rgb& colour) {
  Image image{width, height, {}};
  for (int i = 0; i < width * height; ++i) {
    image.rgb.insert(image.rgb.end(), colour.begin(), colour.end());
  }
  return image;
}

Rgb at(const Image& image, int x, int y) {
  const uint8_t* rgb = image.rgb.data() + 3 * (static_cast<size_t>(y) * image.width + x);
  return {rgb[0], rgb[1], rgb[2]};
}

// '#' for every pixel that is not `colour`.
std::vector<std::string> drawn_over(const Image& image, const Rgb& colour) {
  std::vector<std::string> rows(image.height);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) rows[y] += at(image, x, y) == colour ? '.' : '#';
  }
  return rows;
}

constexpr Rgb kGrey = {100, 100, 100};

TEST(DrawGroups, LinesAreWhereGroupsMeet) {
  const Image drawn = draw_groups(plain(9, 9, kGrey), {3,
                                                       3,
                                                       {0, 0, 1,  //
                                                        0, 2, 1,  //
                                                        1, 1, 1}});
  EXPECT_THAT(drawn_over(drawn, kGrey), testing::ElementsAre("......#..",  //
                                                             "......#..",  //
                                                             "......#..",  //
                                                             "...####..",  //
                                                             "...#..#..",  //
                                                             "...#..#..",  //
                                                             "#######..",  //
                                                             ".........",  //
                                                             "........."));
}

TEST(DrawGroups, ThickLinesTakeAPixelOfBothPatches) {
  const int side = 28;
  EXPECT_EQ(line_thickness(side, side), 2);
  EXPECT_EQ(line_thickness(side, side - 1), 1);
  const Image drawn = draw_groups(plain(2 * side, 2 * side, kGrey), {2, 2, {0, 0, 0, 5}});
  for (int y = 0; y < drawn.height; ++y) {
    for (int x = 0; x < drawn.width; ++x) {
      const bool beside_it = (x == side - 1 || x == side) && y >= side - 1;
      const bool above_it = (y == side - 1 || y == side) && x >= side - 1;
      ASSERT_EQ(at(drawn, x, y), beside_it || above_it ? line_on(kGrey) : kGrey) << x << ' ' << y;
    }
  }
}

// A group keeps its colour, and that of its lines, where it moves.
TEST(DrawGroups, OfFramesTakesMeansOverAll) {
  const std::vector<Image> frames = {grey_image(4, 2, {0, 0, 90, 90, 0, 0, 90, 90}),
                                     grey_image(4, 2, {90, 90, 0, 0, 90, 90, 0, 0})};
  const std::vector<PatchLabels> labels = {{1, 2, {5, 3}}, {1, 2, {3, 5}}};
  const std::vector<Image> drawn = draw_groups(frames, labels);
  EXPECT_EQ(drawn[0].rgb, grey_image(4, 2, {0, 0, 172, 90, 0, 0, 172, 90}).rgb);
  EXPECT_EQ(drawn[1].rgb, grey_image(4, 2, {90, 90, 127, 0, 90, 90, 127, 0}).rgb);
  const std::vector<PatchLabels> together = {{1, 2, {5, 5}}, {1, 2, {3, 5}}};
  const Image first = draw_groups(frames, together)[0];
  // Of 0, 90 and 0 the light of 90, a third.
  EXPECT_EQ(at(first, 0, 0), at(draw_groups(grey_image(3, 1, {0, 90, 0}), {1, 1, {0}}), 0, 0));
  EXPECT_EQ(at(draw_groups(frames, together)[1], 3, 0), at(first, 0, 0));
  EXPECT_THAT(error_of([&] { draw_groups(frames, std::span(labels).first(1)); }),
              HasSubstr("2 frames with labels of 1"));
}

TEST(DrawGroups, OneGroupHasNoLine) {
  const Image picture = plain(8, 6, kGrey);
  EXPECT_EQ(draw_groups(picture, {3, 4, std::vector<int32_t>(12, 7)}).rgb, picture.rgb);
}

// Means are those of light: half black and half white is sRGB 188.
TEST(DrawGroups, MeansAreOfLightAndOfTheWholeGroup) {
  const Image picture = grey_image(12, 2, {0, 0, 0, 0, 9, 9, 9, 9, 255, 255, 255, 255,  //
                                           0, 0, 0, 0, 9, 9, 9, 9, 255, 255, 255, 255});
  const Image drawn = draw_groups(picture, {1, 3, {1, 0, 1}});
  EXPECT_EQ(at(drawn, 2, 1), (Rgb{188, 188, 188}));
  EXPECT_EQ(at(drawn, 5, 0), (Rgb{9, 9, 9}));
  EXPECT_EQ(at(drawn, 11, 0), (Rgb{188, 188, 188}));
}

TEST(DrawGroups, ChannelsAreKeptApart) {
  const Rgb colour = {200, 3, 77};
  EXPECT_EQ(at(draw_groups(plain(4, 4, colour), {2, 2, {0, 1, 2, 3}}), 1, 1), colour);
}

TEST(DrawGroups, RemovedPatchesAreDarkAndHatched) {
  const Rgb bright = {250, 200, 40};
  const Image drawn = draw_groups(plain(48, 24, bright), {1, 2, {kRemoved, 0}});
  int hatched = 0;
  for (int y = 0; y < 24; ++y) {
    for (int x = 0; x < 24; ++x) {
      const Rgb colour = at(drawn, x, y);
      EXPECT_EQ(colour[0], colour[1]);
      EXPECT_EQ(colour[0], colour[2]);
      EXPECT_LT(colour[0], 120);
      hatched += colour[0] > 100;
    }
    EXPECT_EQ(at(drawn, 24, y), line_on(bright));
    EXPECT_EQ(at(drawn, 40, y), bright);
  }
  EXPECT_EQ(hatched, 24 * 24 / 6);
}

// Whatever the labels: a pixel is a line just where the one before it has another label.
TEST(DrawGroups, LinesFollowRandomLabels) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    PatchLabels labels = {5, 7, std::vector<int32_t>(35)};
    for (int32_t& label : labels.of) label = static_cast<int32_t>(random() % 3);
    const Image drawn = draw_groups(plain(7 * 3, 5 * 4, kGrey), labels);
    const auto label = [&](int x, int y) { return labels.at(y / 4, x / 3); };
    for (int y = 1; y < drawn.height; ++y) {
      for (int x = 1; x < drawn.width; ++x) {
        const bool meets = label(x - 1, y) != label(x, y) || label(x, y - 1) != label(x, y) ||
                           label(x - 1, y - 1) != label(x, y);
        ASSERT_EQ(at(drawn, x, y), meets ? line_on(kGrey) : kGrey);
      }
    }
  }
}

TEST(DrawGroups, LinesAreSeenOnEveryGrey) {
  for (int i = 0; i < 256; ++i) {
    const auto grey = static_cast<uint8_t>(i);
    EXPECT_GE(std::abs(line_on({grey, grey, grey})[0] - i), 36) << i;
  }
}

TEST(DrawGroups, RefusesLabelsThatDontFit) {
  EXPECT_THAT(error_of([] {
                draw_groups(plain(8, 8, kGrey), {2, 2, {0, 1, 2}});
              }),
              HasSubstr("8 x 8 pixels with 3 labels in 2 rows of 2"));
  EXPECT_THAT(error_of([] {
                draw_groups(plain(8, 9, kGrey), {2, 2, {0, 1, 2, 3}});
              }),
              HasSubstr("multiples of rows and columns"));
  EXPECT_THAT(error_of([] { draw_groups(plain(8, 8, kGrey), {0, 0, {}}); }), HasSubstr("0 labels"));
}

// Patches of 4 x 4 pixels; the picture ends in the second row and column of them.
TEST(DrawGroups, APictureMayEndBeforeItsPatchesDo) {
  std::vector<uint8_t> values(7 * 6, 100);
  for (int y = 4; y < 6; ++y) std::fill_n(values.begin() + y * 7, 7, 40);
  const PatchLabels labels{3, 3, {0, 0, 1, 2, 2, 1, 3, 4, 5}, 4, 4};
  const Image drawn = draw_groups(grey_image(7, 6, values), labels);
  EXPECT_THAT(drawn_over(drawn, kGrey), testing::ElementsAre(".......",  //
                                                             ".......",  //
                                                             ".......",  //
                                                             ".......",  //
                                                             "#######",  //
                                                             "#######"));
  EXPECT_EQ(at(drawn, 6, 5), (Rgb{40, 40, 40}));
  EXPECT_EQ(at(drawn, 6, 4), line_on({40, 40, 40}));
  EXPECT_THAT(error_of([&] { draw_groups(plain(13, 6, kGrey), labels); }),
              HasSubstr("13 x 6 pixels"));
}

TEST(DrawGroups, ThereIsNoLineWhereThePictureEnds) {
  const PatchLabels labels{2, 1, {0, 1}, 28, 28};
  EXPECT_EQ(draw_groups(plain(28, 28, kGrey), labels).rgb, plain(28, 28, kGrey).rgb);
}

TEST(DrawWindows, LinesTakeAPixelOfBothWindows) {
  const Image drawn = draw_windows(plain(8, 5, kGrey), 3, 4);
  EXPECT_THAT(drawn_over(drawn, kGrey), testing::ElementsAre("...##...",  //
                                                             "...##...",  //
                                                             "########",  //
                                                             "########",  //
                                                             "...##..."));
  EXPECT_EQ(at(drawn, 3, 0), (Rgb{255, 255, 255}));
  EXPECT_EQ(at(drawn, 4, 0), (Rgb{0, 0, 0}));
  EXPECT_EQ(at(drawn, 0, 2), (Rgb{255, 255, 255}));
  EXPECT_EQ(at(drawn, 0, 3), (Rgb{0, 0, 0}));
  EXPECT_EQ(draw_windows(plain(8, 5, kGrey), 5, 8).rgb, plain(8, 5, kGrey).rgb);
}

TEST(CountGroups, LeavesRemovedOut) {
  EXPECT_EQ(count_groups({2, 3, {4, 4, kRemoved, 0, kRemoved, 9}}), 3);
  EXPECT_EQ(count_groups({1, 1, {kRemoved}}), 0);
}

TEST(Sheets, HaveWhiteGaps) {
  const Rgb red = {255, 0, 0};
  const std::vector<Image> two = {plain(2, 3, kGrey), plain(4, 3, red)};
  const Image wide = beside(two, 5);
  EXPECT_EQ(wide.width, 11);
  EXPECT_EQ(wide.height, 3);
  EXPECT_THAT(drawn_over(wide, {255, 255, 255}), testing::Each("##.....####"));
  EXPECT_EQ(at(wide, 1, 2), kGrey);
  EXPECT_EQ(at(wide, 7, 0), red);
  const Image tall = below(std::vector<Image>{wide, wide, wide}, 1);
  EXPECT_EQ(tall.width, 11);
  EXPECT_EQ(tall.height, 11);
  EXPECT_THAT(drawn_over(tall, {255, 255, 255})[3], "...........");
  EXPECT_EQ(at(tall, 10, 10), red);
}

TEST(Sheets, AreWhiteBesideWhatIsSmaller) {
  const std::vector<Image> two = {plain(2, 3, kGrey), plain(4, 1, kGrey)};
  EXPECT_THAT(drawn_over(beside(two, 1), kGrey),
              testing::ElementsAre("..#....", "..#####", "..#####"));
  EXPECT_THAT(drawn_over(below(two, 1), kGrey),
              testing::ElementsAre("..##", "..##", "..##", "####", "...."));
}

}  // namespace
}  // namespace fovea
