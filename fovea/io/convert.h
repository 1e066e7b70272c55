// Stored little-endian numbers of any type and alignment as floats.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace fovea {

static_assert(std::endian::native == std::endian::little, "files are read as they lie in memory");

// IEEE half precision, exactly. Every case is computed and one selected, so that loops vectorise;
// nothing passes through a subnormal float, so that flush-to-zero modes don't matter.
inline float half_to_float(uint16_t half) {
  constexpr uint32_t kExponentMask = 0x7C00U << 13;
  constexpr uint32_t kRebias = (127U - 15U) << 23;
  const uint32_t bits = (half & 0x7FFFU) << 13;
  const uint32_t exponent = bits & kExponentMask;
  const uint32_t normal = bits + kRebias;
  const uint32_t infinite_or_nan = normal + kRebias;
  // As 2^-14 * (1 + mantissa), less the 2^-14 that a subnormal does not have.
  const auto subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(normal + (1U << 23)) - 0x1p-14F);
  const uint32_t finite = exponent == 0 ? subnormal : normal;
  const uint32_t magnitude = exponent == kExponentMask ? infinite_or_nan : finite;
  return std::bit_cast<float>(magnitude | (half & 0x8000U) << 16);
}

// The nearest half, ties to even; infinite from 65520 on.
inline uint16_t float_to_half(float value) {
  constexpr uint32_t kInfinity = 0x7F800000;
  constexpr uint32_t kFirstInfinite = 0x477FF000;  // 65520
  constexpr uint32_t kFirstNormal = 0x38800000;    // 2^-14
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000U;
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  uint32_t half = 0;
  if (magnitude > kInfinity) {
    half = 0x7E00;
  } else if (magnitude >= kFirstInfinite) {
    half = 0x7C00;
  } else if (magnitude < kFirstNormal) {
    half = static_cast<uint32_t>(std::nearbyint(std::bit_cast<float>(magnitude) * 0x1p24F));
  } else {
    const uint32_t rebiased = magnitude - ((127U - 15U) << 23);
    half = (rebiased + 0xFFFU + (rebiased >> 13 & 1U)) >> 13;
  }
  return static_cast<uint16_t>(sign | half);
}

// The nearest bfloat16, ties to even.
inline uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40U);
  return static_cast<uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

// bfloat16 is the upper half of a float.
inline float bfloat16_to_float(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

// Each `Stored` in `bytes`, which need not be aligned, through `kConvert`, which is known
// at compile time so that the loop is inlined and vectorised.
template <typename Stored, auto kConvert>
std::vector<float> convert_to_floats(std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / sizeof(Stored));
  const std::byte* from = bytes.data();
  for (size_t i = 0; i < values.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, from + i * sizeof(Stored), sizeof(Stored));
    values[i] = kConvert(stored);
  }
  return values;
}

}  // namespace fovea
