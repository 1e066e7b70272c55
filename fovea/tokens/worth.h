// What a score is worth where scores are ranked.
#pragma once

#include <cmath>

namespace fovea {

// The score, or less than any where it is NaN: that compares with nothing, which no sorting stands.
inline float worth(float score) { return std::isnan(score) ? -HUGE_VALF : score; }

}  // namespace fovea
