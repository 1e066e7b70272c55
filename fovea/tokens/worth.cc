#include "fovea/tokens/worth.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace fovea {
namespace {

// Bits that rise as numbers do; those of 0 whatever its sign.
uint32_t rising_bits(float value) {
  const auto bits = std::bit_cast<uint32_t>(value + 0.0F);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000U;
}

// Places by keys that hold one behind what it is ranked by: much faster than a stable sort that
// looks scores up.
template <class Key>
std::vector<int32_t> by(std::span<const float> scores, const Key& key) {
  std::vector<uint64_t> keys(scores.size());
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = uint64_t{key(worth(scores[i]))} << 32 | i;
  std::sort(keys.begin(), keys.end());
  std::vector<int32_t> order(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) order[i] = static_cast<int32_t>(keys[i] & 0xffffffffU);
  return order;
}

}  // namespace

std::vector<int32_t> rising(std::span<const float> scores) { return by(scores, rising_bits); }

std::vector<int32_t> falling(std::span<const float> scores) {
  return by(scores, [](float value) { return ~rising_bits(value); });
}

}  // namespace fovea
