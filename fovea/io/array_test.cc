// Shapes: text and counting.
#include "fovea/io/array.h"

#include <gtest/gtest.h>

#include <limits>

namespace fovea {
namespace {

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

TEST(Array, ShapeAsText) {
  EXPECT_EQ(to_string(Shape{}), "[]");
  EXPECT_EQ(to_string(Shape{7}), "[7]");
  EXPECT_EQ(to_string(Shape{2, 3, 224, 224}), "[2, 3, 224, 224]");
}

TEST(Array, ConstructorMakesZeros) {
  const Array array(Shape{2, 3});
  EXPECT_EQ(array.data, std::vector<float>(6, 0.0F));
  EXPECT_FALSE(array.empty());
  EXPECT_TRUE(Array(Shape{0, 3}).empty());
}

TEST(Array, CheckedElementsCounts) {
  EXPECT_EQ(checked_elements({}), 1);
  EXPECT_EQ(checked_elements({2, 3, 4}), 24);
  EXPECT_EQ(checked_elements({5, 0, 4}), 0);
  EXPECT_EQ(checked_elements({kHuge / 8}), kHuge / 8);
}

TEST(Array, CheckedElementsRefusesOverflowAndNegatives) {
  EXPECT_EQ(checked_elements({kHuge}), std::nullopt);
  EXPECT_EQ(checked_elements({int64_t{1} << 32, int64_t{1} << 32}), std::nullopt);
  EXPECT_EQ(checked_elements({int64_t{1} << 62, int64_t{1} << 62, 0}), std::nullopt);
  EXPECT_EQ(checked_elements({0, int64_t{1} << 62}), std::nullopt);
  EXPECT_EQ(checked_elements({-1}), std::nullopt);
  EXPECT_EQ(checked_elements({0, -1}), std::nullopt);
}

}  // namespace
}  // namespace fovea
