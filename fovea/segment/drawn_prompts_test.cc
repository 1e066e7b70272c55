#include "fovea/segment/drawn_prompts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// 4 rows of 5.
const std::vector<uint8_t> kMask = {0, 1, 0, 0, 0,  //
                                    0, 1, 1, 0, 0,  //
                                    0, 0, 0, 0, 0,  //
                                    0, 0, 0, 1, 0};

TEST(DrawnPromptsTest, DrawPointsEvenlyInTheMask) {
  const Rle mask = encode_rle(kMask, 4, 5);
  Random random(1);
  std::map<std::array<float, 2>, int> counts;
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) {
    const Prompt prompt = drawn_prompt(PromptKind::point, mask, random);
    ASSERT_EQ(prompt.points.size(), 1U);
    EXPECT_THAT(prompt.labels, ElementsAre(1));
    EXPECT_TRUE(prompt.multimask);
    ++counts[prompt.points[0]];
  }
  EXPECT_EQ(counts.size(), 4U);
  for (const auto& [point, count] : counts) {
    EXPECT_EQ(kMask[static_cast<size_t>(5 * point[1] + point[0])], 1);
    EXPECT_NEAR(count, kDraws / 4, 120);  // four deviations
  }
}

TEST(DrawnPromptsTest, DrawThreePoints) {
  Random random(1);
  const Prompt prompt = drawn_prompt(PromptKind::points3, encode_rle(kMask, 4, 5), random);
  EXPECT_EQ(prompt.points.size(), 3U);
  EXPECT_THAT(prompt.labels, ElementsAre(1, 1, 1));
  EXPECT_FALSE(prompt.box);
}

TEST(DrawnPromptsTest, AreTheSameForASeed) {
  const Rle mask = encode_rle(kMask, 4, 5);
  const auto draw = [&](uint64_t seed) {
    Random random({seed, 3});
    std::vector<std::array<float, 2>> points;
    for (int i = 0; i < 8; ++i) {
      points.push_back(drawn_prompt(PromptKind::point, mask, random).points[0]);
    }
    return points;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(DrawnPromptsTest, HaveTheMasksBox) {
  Random random(1);
  const Prompt prompt = drawn_prompt(PromptKind::box, encode_rle(kMask, 4, 5), random);
  EXPECT_THAT(*prompt.box, ElementsAre(1, 0, 4, 4));
  EXPECT_TRUE(prompt.points.empty());
  EXPECT_TRUE(prompt.multimask);
}

TEST(DrawnPromptsTest, AreNamedInAList) {
  EXPECT_THAT(parse_prompt_kinds("box,point", "--prompt-kinds"),
              ElementsAre(PromptKind::box, PromptKind::point));
  EXPECT_STREQ(name_of(PromptKind::points3), "points3");
  for (const char* wrong : {"", "point,", "boxes", "point,,box"}) {
    EXPECT_THAT(error_of([&] { parse_prompt_kinds(wrong, "--prompt-kinds"); }),
                HasSubstr("--prompt-kinds"))
        << wrong;
  }
  EXPECT_THAT(error_of([] { parse_prompt_kinds("box,box", "-k"); }), HasSubstr("box twice"));
}

// A block of 3 x 2 in 8 x 8, each pixel 4 of the picture's.
class TrainingPromptsTest : public testing::Test {
 protected:
  TrainingPromptsTest() {
    for (const int place : {18, 19, 20, 26, 27, 28}) truth_[place] = 1;
  }
  std::vector<uint8_t> truth_ = std::vector<uint8_t>(64);
  const TrainingMask mask_{truth_, 8, 4};
};

TEST_F(TrainingPromptsTest, BeginWithAPointOrABox) {
  Random random(5);
  int boxes = 0;
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 2000;
  for (int i = 0; i < kDraws; ++i) {
    const Prompt prompt = first_prompt(mask_, random);
    EXPECT_NE(prompt.box.has_value(), !prompt.points.empty());
    if (!prompt.box) {
      // Middles of the mask's pixels: 2 to 4 across, 2 and 3 down.
      EXPECT_THAT(prompt.points[0][0], testing::AnyOf(9.5F, 13.5F, 17.5F));
      EXPECT_THAT(prompt.points[0][1], testing::AnyOf(9.5F, 13.5F));
      EXPECT_THAT(prompt.labels, ElementsAre(1));
      continue;
    }
    ++boxes;
    EXPECT_LE((*prompt.box)[0], (*prompt.box)[2]);
    EXPECT_LE((*prompt.box)[1], (*prompt.box)[3]);
    const double right = (*prompt.box)[2];
    sum += right;
    squares += right * right;
  }
  EXPECT_NEAR(boxes, kDraws / 2, 90);
  const double mean = sum / boxes;
  EXPECT_NEAR(mean, 20, 0.15);                                       // the right side of pixel 4
  EXPECT_NEAR(std::sqrt(squares / boxes - mean * mean), 1.2, 0.15);  // a tenth of 12
}

TEST_F(TrainingPromptsTest, GoOnWhereAnAnswerIsWrong) {
  std::vector<float> logits(64, -1);
  for (const int place : {19, 20, 26, 27, 28, 63}) logits[place] = 1;
  Random random(2);
  int missed = 0;
  constexpr int kDraws = 400;
  for (int i = 0; i < kDraws; ++i) {
    Prompt prompt;
    add_correction(mask_, logits, random, prompt);
    ASSERT_EQ(prompt.points.size(), 1U);
    if (prompt.labels[0] == 1) {
      ++missed;
      EXPECT_THAT(prompt.points[0], ElementsAre(9.5F, 9.5F));
    } else {
      EXPECT_THAT(prompt.points[0], ElementsAre(29.5F, 29.5F));
    }
  }
  EXPECT_NEAR(missed, kDraws / 2, 40);
}

TEST_F(TrainingPromptsTest, StayInTheMaskWhereAnAnswerIsRight) {
  std::vector<float> logits;
  for (const uint8_t in : truth_) logits.push_back(in != 0 ? 3.0F : -3.0F);
  Random random(2);
  Prompt prompt;
  add_correction(mask_, logits, random, prompt);
  EXPECT_THAT(prompt.labels, ElementsAre(1));
  EXPECT_THAT(prompt.points[0][1], testing::AnyOf(9.5F, 13.5F));
}

}  // namespace
}  // namespace fovea
