// What scores are worth where they are ranked, and the order that they give.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

// The score, or less than any where it is NaN: that compares with nothing, which no sorting stands.
inline float worth(float score) { return std::isnan(score) ? -HUGE_VALF : score; }

// The places of scores from the one that is worth least, or most; equals in their order.
std::vector<int32_t> rising(std::span<const float> scores);
std::vector<int32_t> falling(std::span<const float> scores);

}  // namespace fovea
