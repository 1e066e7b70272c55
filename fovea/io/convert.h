// Stored little-endian numbers of any type and alignment as floats.
#pragma once

#include <bit>
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
