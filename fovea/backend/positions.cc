#include "fovea/backend/positions.h"

namespace fovea {
namespace {

// Resamples the middle axis of [outer, from, inner].
std::vector<float> resample_axis(const std::vector<float>& x, int64_t outer, int from,
                                 int64_t inner, const std::vector<Taps>& taps) {
  const auto to = static_cast<int64_t>(taps.size());
  std::vector<float> out(outer * to * inner);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < to; ++i) {
      float* row = out.data() + (o * to + i) * inner;
      for (std::size_t t = 0; t < taps[i].weights.size(); ++t) {
        const float* source =
            x.data() + (o * from + taps[i].first + static_cast<int64_t>(t)) * inner;
        const auto weight = static_cast<float>(taps[i].weights[t]);
        for (int64_t c = 0; c < inner; ++c) row[c] += weight * source[c];
      }
    }
  }
  return out;
}

}  // namespace

std::vector<float> resample(const std::vector<float>& positions, int64_t channels,
                            const PositionMap& map) {
  const std::vector<float> wide =
      resample_axis(positions, map.rows, map.columns, channels, map.horizontal);
  return resample_axis(wide, 1, map.rows, static_cast<int64_t>(map.horizontal.size()) * channels,
                       map.vertical);
}

}  // namespace fovea
