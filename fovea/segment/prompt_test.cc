#include "fovea/segment/prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// The error of a good prompt with one change, in a picture of 150 x 100 pixels.
std::string error_with(const std::function<void(Prompt&)>& change) {
  Prompt prompt;
  prompt.points = {{149.5F, 99.9F}, {0, 0}};
  prompt.labels = {1, 0};
  prompt.box = {0, 0, 150, 100};
  change(prompt);
  return error_of([&] { check_prompt(prompt, 150, 100); });
}

TEST(Prompt, AllOfThePictureMayBeAskedFor) {
  EXPECT_EQ(error_with([](Prompt&) {}), "");
  EXPECT_EQ(error_with([](Prompt& p) {
              p = {};
              p.mask = Array({1, 1, 1}, {-3});
            }),
            "");
}

TEST(Prompt, OneWithoutPartsAsksForNothing) {
  EXPECT_THAT(error_with([](Prompt& p) {
                p = {};
                p.name = "cat";
              }),
              StartsWith("prompt cat: nothing is asked for"));
}

TEST(Prompt, PointsLieInThePicture) {
  for (const std::array<float, 2> point :
       {std::array{150.0F, 5.0F}, {-0.1F, 5}, {5, 100}, {5, -1}, {std::nanf(""), 5}}) {
    EXPECT_THAT(error_with([&](Prompt& p) { p.points[1] = point; }),
                HasSubstr("outside of the picture of 150 x 100 pixels"));
  }
  EXPECT_THAT(error_with([](Prompt& p) {
                p.points[0] = {200.5F, 7};
              }),
              StartsWith("the point 200.5,7 lies outside"));
}

TEST(Prompt, EveryPointHasALabelOf0Or1) {
  EXPECT_THAT(error_with([](Prompt& p) { p.labels[1] = 2; }),
              StartsWith("the point 0,0 has the label 2; expected 1 or 0"));
  EXPECT_THAT(error_with([](Prompt& p) { p.labels[1] = -1; }), HasSubstr("label -1"));
  EXPECT_THAT(error_with([](Prompt& p) { p.labels.pop_back(); }),
              StartsWith("2 points with 1 labels"));
}

TEST(Prompt, BoxesLieInThePictureAndHaveAnArea) {
  const float nan = std::nanf("");
  for (const std::array<float, 4> box : {std::array{0.0F, 0.0F, 150.5F, 9.0F},
                                         {0, -1, 9, 9},
                                         {0, 0, 9, 101},
                                         {-1, 0, 9, 9},
                                         {nan, 0, 9, 9},
                                         {0, 0, 9, nan}}) {
    EXPECT_THAT(error_with([&](Prompt& p) { p.box = box; }), HasSubstr("outside of the picture"));
  }
  for (const std::array<float, 4> box :
       {std::array{5.0F, 5.0F, 5.0F, 9.0F}, {5, 5, 9, 5}, {9, 5, 5, 9}, {5, 9, 9, 5}}) {
    EXPECT_THAT(error_with([&](Prompt& p) { p.box = box; }), HasSubstr("has no area"));
  }
}

TEST(Prompt, MasksAreFinite) {
  EXPECT_THAT(error_with([](Prompt& p) {
                p.mask = Array({1, 1, 2}, {0, INFINITY});
              }),
              HasSubstr("not finite"));
}

}  // namespace
}  // namespace fovea
