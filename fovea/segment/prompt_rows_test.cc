// Prompts as rows of a table with codes of places, and those codes themselves.
#include "fovea/segment/prompt_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "fovea/io/testing.h"
#include "fovea/segment/answer.h"

namespace fovea {
namespace {

const Array kFrequencies({2, 3}, {0.3F, -1.2F, 2.5F, 0.7F, 0.1F, -0.4F});
constexpr int kMasks = 4;
constexpr int kFirst = 1 + kMasks;

// As the definition has it.
std::vector<float> plain_code(double x, double y) {
  std::vector<float> code;
  for (const bool is_sine : {true, false}) {
    for (int i = 0; i < 3; ++i) {
      const double angle =
          2 * std::numbers::pi *
          ((2 * x - 1) * kFrequencies.data[i] + (2 * y - 1) * kFrequencies.data[3 + i]);
      code.push_back(static_cast<float>(is_sine ? std::sin(angle) : std::cos(angle)));
    }
  }
  return code;
}

void expect_code(const Array& codes, int64_t row, const std::vector<float>& want) {
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_NEAR(codes.data[row * 6 + static_cast<int64_t>(i)], want[i], 1e-6) << row << ' ' << i;
  }
}

TEST(PositionCode, IsOfTheMiddlesOfCells) {
  const Array codes = PositionCode(kFrequencies).of({2, 3});
  EXPECT_EQ(codes.shape, (Shape{6, 6}));
  for (int cell = 0; cell < 6; ++cell) {
    expect_code(codes, cell, plain_code((cell % 3 + 0.5) / 3, (cell / 3 + 0.5) / 2));
  }
  EXPECT_EQ(PositionCode(Array({2, 3}, {})).of({2, 3}).data, std::vector<float>(36));
}

TEST(PromptRows, PutThePointsBeforeTheBox) {
  Prompt both;
  both.points = {{3, 5}, {10.5F, 0}};
  both.labels = {1, 0};
  both.box = {1, 2, 12, 7};
  Prompt points = both;
  points.box.reset();
  Prompt box = both;
  box.points.clear();
  box.labels.clear();
  Prompt mask;
  mask.mask = Array({1, 4, 4});
  const Prompt* const prompts[] = {&both, &points, &box, &mask};
  const PromptRows rows = prompt_rows(prompts, PositionCode(kFrequencies), kMasks, {8, 16});
  EXPECT_EQ(rows.tokens.first, (Sequences{0, 9, 17, 24, 29}));
  const auto row = [](EmbeddingRow of) { return kFirst + static_cast<int32_t>(of); };
  const std::vector<int32_t> want = {// Both; points alone; the box; the mask.
                                     0,
                                     1,
                                     2,
                                     3,
                                     4,
                                     row(EmbeddingRow::foreground),
                                     row(EmbeddingRow::background),
                                     row(EmbeddingRow::upper_left),
                                     row(EmbeddingRow::lower_right),
                                     0,
                                     1,
                                     2,
                                     3,
                                     4,
                                     row(EmbeddingRow::foreground),
                                     row(EmbeddingRow::background),
                                     row(EmbeddingRow::not_a_point),
                                     0,
                                     1,
                                     2,
                                     3,
                                     4,
                                     row(EmbeddingRow::upper_left),
                                     row(EmbeddingRow::lower_right),
                                     0,
                                     1,
                                     2,
                                     3,
                                     4};
  EXPECT_EQ(rows.tokens.rows, want);
  ASSERT_EQ(rows.codes.shape, (Shape{29, 6}));
  const std::vector<float> nowhere(6);
  for (const int i : {0, 4, 16, 17, 24, 28}) expect_code(rows.codes, i, nowhere);
  for (const int first : {5, 14}) {
    expect_code(rows.codes, first, plain_code(3.5 / 16, 5.5 / 8));
    expect_code(rows.codes, first + 1, plain_code(11.0 / 16, 0.5 / 8));
  }
  for (const int first : {7, 22}) {
    expect_code(rows.codes, first, plain_code(1.5 / 16, 2.5 / 8));
    expect_code(rows.codes, first + 1, plain_code(12.5 / 16, 7.5 / 8));
  }
}

TEST(PromptGroups, KeepPromptsWithAMaskApart) {
  std::vector<Prompt> prompts(7);
  for (const int i : {1, 2, 6}) prompts[i].mask = Array({1, 4, 4});
  const std::vector<std::vector<size_t>> want = {{0, 3}, {4, 5}, {1, 2}, {6}};
  EXPECT_EQ(prompt_groups(prompts, 2), want);
  EXPECT_TRUE(prompt_groups({}, 2).empty());
}

TEST(JoinedMasks, MustHaveTheSidesOfTheEmbeddingTimesFour) {
  Prompt first;
  first.mask = Array({1, 4, 8}, std::vector<float>(32, 1));
  Prompt second = first;
  second.name = "b";
  second.mask.data[31] = 2;
  const Prompt* const prompts[] = {&first, &second};
  const Array joined = joined_masks(prompts, {1, 2});
  EXPECT_EQ(joined.shape, (Shape{2, 1, 4, 8}));
  EXPECT_EQ(joined.data[31], 1);
  EXPECT_EQ(joined.data[63], 2);
  second.mask.shape = {1, 8, 4};
  EXPECT_EQ(error_of([&] {
              joined_masks(prompts, {1, 2});
            }),
            "prompt b: its mask is [1, 8, 4]; expected [1, 4, 8]");
}

// Rows of a cell's 16 pixels, quarter by quarter.
TEST(Answer, PutsPixelsInTheirPlaces) {
  const std::vector<int32_t> pixels = pixels_of_rows({1, 2});
  const std::vector<int32_t> want = {0, 1, 8,  9,  2, 3, 10, 11, 16, 17, 24, 25, 18, 19, 26, 27,
                                     4, 5, 12, 13, 6, 7, 14, 15, 20, 21, 28, 29, 22, 23, 30, 31};
  EXPECT_EQ(pixels, want);
}

TEST(Answer, IsTheFirstMaskOrAllOthers) {
  std::vector<float> logits;  // [16 rows, 3 masks]
  for (int i = 0; i < 48; ++i) logits.push_back(static_cast<float>(i));
  const std::vector<float> iou = {0.5F, 0.6F, 0.7F};
  const Answer one = answer_of(logits, iou, false, {1, 1}, pixels_of_rows({1, 1}));
  EXPECT_EQ(one.logits.shape, (Shape{1, 4, 4}));
  EXPECT_EQ(one.iou, (std::vector<float>{0.5F}));
  // Pixel (1, 0) is the third row.
  EXPECT_EQ(one.logits.data[4], 6);
  const Answer others = answer_of(logits, iou, true, {1, 1}, pixels_of_rows({1, 1}));
  EXPECT_EQ(others.logits.shape, (Shape{2, 4, 4}));
  EXPECT_EQ(others.iou, (std::vector<float>{0.6F, 0.7F}));
  EXPECT_EQ(others.logits.data[4], 7);
  EXPECT_EQ(others.logits.data[16 + 4], 8);
}

}  // namespace
}  // namespace fovea
