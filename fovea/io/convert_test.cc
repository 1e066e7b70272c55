// Conversions are exact for each of the 65536 bit patterns.
#include "fovea/io/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace fovea {
namespace {

// By the definition of the format.
double half_by_definition(uint32_t half) {
  const int exponent = static_cast<int>(half >> 10 & 0x1FU);
  const int mantissa = static_cast<int>(half & 0x3FFU);
  const double sign = half >> 15 != 0 ? -1.0 : 1.0;
  if (exponent == 31) return mantissa != 0 ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

TEST(Convert, EveryHalf) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = half_to_float(static_cast<uint16_t>(bits));
    const double expected = half_by_definition(bits);
    ASSERT_EQ(std::signbit(value), bits >> 15 != 0) << bits;
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_EQ(std::bit_cast<uint32_t>(value) >> 13 & 0x3FFU, bits & 0x3FFU) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(value), expected) << bits;
    }
  }
}

TEST(Convert, KnownHalves) {
  EXPECT_EQ(half_to_float(0x3C00), 1.0F);
  EXPECT_EQ(half_to_float(0xC000), -2.0F);
  EXPECT_EQ(half_to_float(0x7BFF), 65504.0F);
  EXPECT_EQ(half_to_float(0x0001), 0x1p-24F);
  EXPECT_EQ(half_to_float(0x03FF), 1023 * 0x1p-24F);
  EXPECT_EQ(half_to_float(0xFC00), -std::numeric_limits<float>::infinity());
}

TEST(Convert, Bfloat16IsTheUpperHalf) {
  EXPECT_EQ(bfloat16_to_float(0x3F80), 1.0F);
  EXPECT_EQ(bfloat16_to_float(0xC040), -3.0F);
  EXPECT_EQ(bfloat16_to_float(0x0001), 0x1p-133F);
  EXPECT_EQ(bfloat16_to_float(0x7F80), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(bfloat16_to_float(0x7FC0)));
}

// Of each value between two neighbours the nearer one, and of the middle the even one.
template <typename Narrow, typename Widen>
void expect_nearest(const Narrow& narrow, const Widen& widen, uint16_t infinity) {
  for (uint32_t sign : {0U, 0x8000U}) {
    for (uint16_t low = 0; low < infinity; ++low) {
      const auto below = static_cast<uint16_t>(low | sign);
      const auto above = static_cast<uint16_t>((low + 1) | sign);
      ASSERT_EQ(narrow(widen(below)), below);
      if (low + 1 == infinity) break;
      // Exact: floats have more digits.
      const float middle = widen(below) / 2 + widen(above) / 2;
      ASSERT_EQ(narrow(middle), low % 2 == 0 ? below : above) << low;
      ASSERT_EQ(narrow(std::nextafter(middle, widen(below))), below) << low;
      ASSERT_EQ(narrow(std::nextafter(middle, widen(above))), above) << low;
    }
  }
}

TEST(Convert, ToTheNearestHalf) {
  expect_nearest(float_to_half, half_to_float, 0x7C00);
  EXPECT_EQ(float_to_half(65519.996F), 0x7BFF);
  EXPECT_EQ(float_to_half(65520.0F), 0x7C00);
  EXPECT_EQ(float_to_half(-1e30F), 0xFC00);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::infinity()), 0x7C00);
  EXPECT_TRUE(std::isnan(half_to_float(float_to_half(NAN))));
}

TEST(Convert, ToTheNearestBfloat16) {
  expect_nearest(float_to_bfloat16, bfloat16_to_float, 0x7F80);
  EXPECT_EQ(float_to_bfloat16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(float_to_bfloat16(-std::numeric_limits<float>::infinity()), 0xFF80);
  EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(std::bit_cast<float>(0x7F800001U)))));
}

TEST(Convert, UnalignedBytes) {
  const float expected[] = {1.5F, -2.25F, 1e30F};
  std::byte bytes[sizeof(expected) + 1];
  std::memcpy(bytes + 1, expected, sizeof(expected));
  const std::vector<float> values =
      convert_to_floats<float, std::identity{}>(std::span(bytes).subspan(1));
  EXPECT_EQ(values, std::vector<float>(std::begin(expected), std::end(expected)));
}

}  // namespace
}  // namespace fovea
