#include "fovea/report/mask_scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace fovea {
namespace {

// Of one row of 1000 pixels: those from `begin` up to `end`.
Rle bar(uint32_t begin, uint32_t end) { return {1, 1000, {begin, end - begin, 1000 - end}}; }

// Answers each prompt by the bar of 200 pixels that its first point, or its box's left side, is in,
// surest of all; and by one that is shifted by 100.
std::vector<MaskAnswer> by_hundreds(std::span<const Prompt> prompts) {
  std::vector<MaskAnswer> answers;
  for (const Prompt& prompt : prompts) {
    const float x = prompt.box ? (*prompt.box)[0] : prompt.points[0][0];
    const uint32_t begin = static_cast<uint32_t>(x) / 200 * 200;
    answers.push_back({{bar(begin + 100, begin + 300), bar(begin, begin + 200)}, {0.3F, 0.8F}});
  }
  return answers;
}

TEST(MaskScoresTest, ComparesWhatWasFoundWithWhatIsThere) {
  MaskScores scores({});
  const std::vector<TrueMask> truths = {{bar(0, 200)}, {bar(300, 500)}, {bar(600, 650)}};
  scores.add(0, truths, by_hundreds);
  EXPECT_EQ(scores.masks(), 2);
  ASSERT_EQ(scores.kinds().size(), 3U);
  const MaskScores::OfKind& box = scores.kinds()[2];
  EXPECT_EQ(box.kind, PromptKind::box);
  // The first is met; for the second, at 300, the answer is 200 to 400 or, better, 300 to 500.
  EXPECT_DOUBLE_EQ(box.iou.mean_by_estimate(), (1 + 1.0 / 3) / 2);
  EXPECT_DOUBLE_EQ(box.iou.mean_best(), 1);
  EXPECT_NEAR(box.precision.average(), 51.0 / 101, 1e-9);
}

TEST(MaskScoresTest, LeavesCrowdsOutAndKeepsPeopleApart) {
  MaskScores scores({.kinds = {PromptKind::point}});
  const std::vector<TrueMask> truths = {
      {bar(0, 200), 1, false, 0}, {bar(0, 200), 1, false, 1}, {bar(400, 600), 1, true, 1}};
  scores.add(0, truths, by_hundreds);
  EXPECT_EQ(scores.masks(), 2);
  // The same segment of two people is no detection twice.
  EXPECT_NEAR(scores.kinds()[0].precision.average(), 1, 1e-9);
}

TEST(MaskScoresTest, DrawsTheSameForASeed) {
  const std::vector<TrueMask> truths = {{bar(0, 900)}, {bar(50, 950)}};
  const auto points = [&](uint64_t seed, int64_t picture) {
    std::vector<float> drawn;
    MaskScores scores({.kinds = {PromptKind::points3}, .seed = seed});
    scores.add(picture, truths, [&](std::span<const Prompt> prompts) {
      for (const Prompt& prompt : prompts) {
        for (const auto& point : prompt.points) drawn.push_back(point[0]);
      }
      return by_hundreds(prompts);
    });
    return drawn;
  };
  EXPECT_EQ(points(1, 2).size(), 6U);
  EXPECT_EQ(points(1, 2), points(1, 2));
  EXPECT_NE(points(1, 2), points(1, 3));
  EXPECT_NE(points(1, 2), points(2, 2));
}

TEST(MaskScoresTest, AsksNothingOfPicturesWithoutMasks) {
  MaskScores scores({});
  scores.add(0, {}, [](std::span<const Prompt>) -> std::vector<MaskAnswer> {
    ADD_FAILURE();
    return {};
  });
  EXPECT_EQ(scores.masks(), 0);
  EXPECT_EQ(scores.kinds()[0].precision.average(), -1);
}

}  // namespace
}  // namespace fovea
