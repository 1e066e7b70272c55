// Everything mode, asking a decoder that is made up.
#include "fovea/segment/everything.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr int kLow = 16;  // of a square of 64

void one_by_one(int64_t count, const std::function<void(int64_t)>& work) {
  for (int64_t i = 0; i < count; ++i) work(i);
}

// Logits of `inside` in columns [begin, end), of `outside` elsewhere.
void fill(std::span<float> mask, int begin, int end, float inside, float outside) {
  for (int i = 0; i < kLow * kLow; ++i) {
    const int x = i % kLow;
    mask[i] = x >= begin && x < end ? inside : outside;
  }
}

// To each prompt: a sure mask of the half that it lies in, estimated 0.9 (left) or 0.95; an unsure
// one of a quarter; a sure one of all, of which little is thought.
std::vector<Answer> two_halves(std::span<const Prompt> prompts) {
  std::vector<Answer> answers;
  for (const Prompt& prompt : prompts) {
    const bool left = prompt.points[0][0] < 32;
    Answer answer{Array({3, kLow, kLow}), {left ? 0.9F : 0.95F, 0.99F, 0.88F}};
    const auto mask = [&](int m) {
      return std::span(answer.logits.data).subspan(m * kLow * kLow, kLow * kLow);
    };
    fill(mask(0), left ? 0 : 8, left ? 8 : 16, 9, -9);
    fill(mask(1), 0, 4, 0.5F, -9);
    fill(mask(2), 0, 16, 9, -9);
    answers.push_back(std::move(answer));
  }
  return answers;
}

TEST(Everything, GridPointsLieInTheMiddleOfTheirParts) {
  EXPECT_THAT(grid_points(2, 100, 40),
              ElementsAre(std::array{25.0F, 10.0F}, std::array{75.0F, 10.0F},
                          std::array{25.0F, 30.0F}, std::array{75.0F, 30.0F}));
  EXPECT_EQ(grid_points(32, 64, 64)[33], (std::array{3.0F, 3.0F}));
}

TEST(Everything, KeepsWhatIsSureAndOnce) {
  const PicturePlace place = place_picture(64, 32, 64);
  const std::vector<FoundMask> found =
      segment_everything(place, {.points_per_side = 4}, two_halves, one_by_one);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_FLOAT_EQ(found[0].iou, 0.95F);
  EXPECT_THAT(box_of(found[0].rle), ElementsAre(32, 0, 32, 32));
  EXPECT_EQ(found[0].point, (std::array{40.0F, 4.0F}));
  EXPECT_GT(found[0].stability, 0.95);
  EXPECT_FLOAT_EQ(found[1].iou, 0.9F);
  EXPECT_THAT(box_of(found[1].rle), ElementsAre(0, 0, 32, 32));
}

TEST(Everything, AsksInTheSquaresPixelsInGroups) {
  const PicturePlace place = place_picture(128, 64, 64);
  std::vector<size_t> groups;
  std::vector<std::array<float, 2>> points;
  const auto ask = [&](std::span<const Prompt> prompts) {
    groups.push_back(prompts.size());
    for (const Prompt& prompt : prompts) {
      EXPECT_TRUE(prompt.multimask);
      EXPECT_THAT(prompt.labels, ElementsAre(1));
      points.push_back(prompt.points.at(0));
    }
    return two_halves(prompts);
  };
  segment_everything(place, {.points_per_side = 3, .prompts_at_once = 4}, ask, one_by_one);
  EXPECT_THAT(groups, ElementsAre(4, 4, 1));
  EXPECT_EQ(points[4], (std::array{32.0F, 16.0F}));
}

TEST(Everything, FiltersCanBeOpened) {
  const PicturePlace place = place_picture(64, 32, 64);
  const EverythingOptions all = {
      .points_per_side = 2, .least_iou = 0, .least_stability = 0, .most_overlap = 1};
  EXPECT_THAT(segment_everything(place, all, two_halves, one_by_one), SizeIs(12));
  const EverythingOptions none = {.points_per_side = 2, .least_iou = 0.99};
  EXPECT_THAT(segment_everything(place, none, two_halves, one_by_one), SizeIs(0));
}

TEST(Everything, RefusesOptionsThatMeanNothing) {
  EXPECT_THAT(error_of([] { check({.points_per_side = 0}); }), HasSubstr("0 points a side"));
  EXPECT_THAT(error_of([] { check({.least_iou = 2}); }), HasSubstr("a limit of 2"));
  EXPECT_THAT(error_of([] { check({.prompts_at_once = 0}); }), HasSubstr("0 prompts at once"));
}

}  // namespace
}  // namespace fovea
