// Who took the big path, from routes and a trace, and its pictures.
#include "fovea/report/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;

IntArray table(const Shape& shape, const std::vector<int32_t>& values) {
  IntArray array(shape);
  array.data = values;
  return array;
}

// Two images of a class token and four patches, through four layers: predictors after 1 and 3.
class TookBigPath : public testing::Test {
 protected:
  std::vector<int32_t> in_layer(int64_t image, int layer) const {
    return took_big_path(routes_, trace_, image, layer, 1);
  }

  const std::map<int, IntArray> routes_ = {{1, table({2, 2}, {0, 3, 0, 1})},
                                           {3, table({2, 2}, {0, 1, 0, 2})}};
  // In the second layer patches 2 and 3 of the first image merge (counted from 1), in the third a
  // patch of the second is dropped.
  const IntArray trace_ = table({2, 4, 5}, {0, 1,  2, 3, 4,  //
                                            0, 1,  2, 2, 3,  //
                                            0, 1,  2, 2, 3,  //
                                            0, 1,  2, 2, 3,  //
                                            0, 1,  2, 3, 4,  //
                                            0, 1,  2, 3, 4,  //
                                            0, -1, 1, 2, 3,  //
                                            0, -1, 1, 2, 3});
};

TEST_F(TookBigPath, AllDoInPlainLayers) { EXPECT_THAT(in_layer(0, 1), ElementsAre(1, 1, 1, 1)); }

TEST_F(TookBigPath, TheSelectedDoUntilTheNextPredictor) {
  EXPECT_THAT(in_layer(0, 2), ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(in_layer(1, 2), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(in_layer(1, 3), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(in_layer(0, 4), ElementsAre(1, 0, 0, 0));
}

TEST_F(TookBigPath, AMergedTokenTakesAllItsPatchesAlong) {
  EXPECT_THAT(in_layer(0, 3), ElementsAre(0, 1, 1, 0));
}

TEST_F(TookBigPath, ADroppedPatchDoesNot) { EXPECT_THAT(in_layer(1, 4), ElementsAre(0, 0, 1, 0)); }

// Of the second image fewer tokens were selected than of the first.
TEST(TookBigPathTest, NothingIsMeantByWhatStandsBehindFewer) {
  const IntArray trace = table({2, 2, 3}, {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2});
  const std::map<int, IntArray> routes = {{1, table({2, 3}, {0, 1, 2, 1, -1, -1})}};
  EXPECT_THAT(took_big_path(routes, trace, 0, 2, 0), ElementsAre(1, 1, 1));
  EXPECT_THAT(took_big_path(routes, trace, 1, 2, 0), ElementsAre(0, 1, 0));
}

Image grey_field(int width, int height, uint8_t grey) {
  return {width, height, std::vector<uint8_t>(size_t{3} * width * height, grey)};
}

TEST(DrawRoute, ShowsWhatTookItAndDarkensTheRest) {
  const Image picture = grey_field(24, 12, 160);
  const Image drawn = draw_route(picture, {1, 2, {1, 0}});
  const auto red = [&](int x) { return drawn.rgb[size_t{3} * x]; };
  EXPECT_EQ(red(0), 160);
  EXPECT_EQ(red(11), 160);
  EXPECT_GT(red(12), red(13)) << "a line";
  EXPECT_LT(red(13), 80);
  EXPECT_EQ(draw_route(picture, {1, 2, {1, 1}}).rgb, picture.rgb);
  EXPECT_NE(error_of([&] { draw_route(picture, {1, 2, {1}}); }), "");
}

TEST(DrawHeat, IsBrighterTheOftener) {
  const Image picture = grey_field(40, 4, 100);
  const Image drawn = draw_heat(picture, {1, 5, {0, 1, 2, 3, 4}}, 4);
  std::vector<int> greys;
  for (int x = 4; x < 40; x += 8) {
    const auto pixel = drawn.rgb.begin() + std::ptrdiff_t{3} * x;
    greys.push_back(grey_of({pixel[0], pixel[1], pixel[2]}));
  }
  EXPECT_TRUE(std::is_sorted(greys.begin(), greys.end(), std::less_equal<>()));
  const Image whole = draw_heat(picture, {1, 5, {4, 4, 4, 4, 4}}, 4);
  EXPECT_TRUE(std::equal(whole.rgb.end() - 12, whole.rgb.end(), drawn.rgb.end() - 12));
  EXPECT_NE(draw_heat(grey_field(40, 4, 200), {1, 5, {0, 1, 2, 3, 4}}, 4).rgb, drawn.rgb)
      << "the picture is to be seen";
}

}  // namespace
}  // namespace fovea
