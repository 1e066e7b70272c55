#include "fovea/segment/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;
using testing::Pointwise;

TEST(Placement, TheLongSideIsTheSquares) {
  EXPECT_EQ(place_picture(150, 100, 128), (PicturePlace{150, 100, 128, 85, 128}));
  EXPECT_EQ(place_picture(100, 150, 128), (PicturePlace{100, 150, 85, 128, 128}));
  EXPECT_EQ(place_picture(64, 64, 1024), (PicturePlace{64, 64, 1024, 1024, 1024}));
  // 481 x 321, as photographs of BSDS are: 683.376 and a half are cut.
  EXPECT_EQ(place_picture(481, 321, 1024).scaled_height, 683);
  EXPECT_EQ(place_picture(1000, 1, 500).scaled_height, 1);  // 0.5 is rounded up
}

TEST(Placement, NothingIsLeftOfLines) {
  EXPECT_THAT(error_of([] { place_picture(1001, 1, 500); }),
              HasSubstr("1001 x 1 pixels; too narrow to be resized to a long side of 500"));
}

TEST(Placement, PromptsAreScaledByEachAxis) {
  Prompt prompt{.name = "a", .points = {{75, 50}, {3, 100}}, .labels = {1, 0}};
  prompt.box = {15, 10, 150, 20};
  prompt.mask = Array({1, 1, 1}, {5});
  prompt.multimask = true;
  const Prompt inside = placed(prompt, place_picture(150, 100, 128));
  EXPECT_EQ(inside.points[0], (std::array{64.0F, 42.5F}));
  EXPECT_EQ(inside.points[1], (std::array{2.56F, 85.0F}));
  EXPECT_THAT(*inside.box, Pointwise(FloatEq(), std::array{12.8F, 8.5F, 128.0F, 17.0F}));
  EXPECT_EQ(inside.name, "a");
  EXPECT_THAT(inside.labels, ElementsAre(1, 0));
  EXPECT_EQ(inside.mask.data, prompt.mask.data);
  EXPECT_TRUE(inside.multimask);
}

}  // namespace
}  // namespace fovea
