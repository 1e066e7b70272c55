#include "fovea/report/mask_iou.h"

#include <gtest/gtest.h>

#include <array>

namespace fovea {
namespace {

TEST(MaskIouTest, TakesTheModelsChoiceAndTheBest) {
  MaskIou scores;
  EXPECT_EQ(scores.mean_by_estimate(), 0);
  scores.add(std::array{0.2F, 0.9F, 0.5F}, std::array{0.8, 0.4, 0.1});
  scores.add(std::array{0.6F, 0.6F}, std::array{0.5, 0.7});  // of equal ones the first
  EXPECT_EQ(scores.masks, 2);
  EXPECT_DOUBLE_EQ(scores.mean_by_estimate(), 0.45);
  EXPECT_DOUBLE_EQ(scores.mean_best(), 0.75);
}

}  // namespace
}  // namespace fovea
