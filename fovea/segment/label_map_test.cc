#include "fovea/segment/label_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Rle row_mask(const std::vector<uint8_t>& row) {
  return encode_rle(row, 1, static_cast<int>(row.size()));
}

TEST(LabelMap, LargerMasksLieBelow) {
  const std::vector<Rle> masks = {row_mask({0, 1, 0, 0, 0, 0}), row_mask({1, 1, 1, 1, 0, 0}),
                                  row_mask({0, 0, 1, 1, 1, 0})};
  EXPECT_THAT(label_map(masks, 1, 6), ElementsAre(2, 1, 3, 3, 3, 0));
}

TEST(LabelMap, OfEqualOnesTheFirstLiesBelow) {
  const std::vector<Rle> masks = {row_mask({1, 1, 0}), row_mask({0, 1, 1})};
  EXPECT_THAT(label_map(masks, 1, 3), ElementsAre(1, 2, 2));
  EXPECT_THAT(label_map({}, 1, 3), ElementsAre(0, 0, 0));
}

TEST(LabelMap, MasksHaveThePicturesSize) {
  EXPECT_THAT(error_of([] {
                label_map(std::vector{row_mask({1, 1})}, 2, 1);
              }),
              HasSubstr("a mask of 1 x 2 pixels in a picture of 2 x 1"));
  EXPECT_THAT(error_of([] { label_map(std::vector<Rle>(65'536), 1, 1); }),
              HasSubstr("65536 masks; expected at most 65535"));
}

}  // namespace
}  // namespace fovea
