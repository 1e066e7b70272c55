#include "fovea/model/positions.h"

#include <vector>

#include "fovea/model/taps.h"

namespace fovea {
namespace {

// Resamples the middle axis of [outer, from, inner].
std::vector<float> resample_axis(const std::vector<float>& x, int64_t outer, int from,
                                 int64_t inner, int to) {
  std::vector<float> out(outer * to * inner);
  const std::vector<Taps> taps = make_taps(from, to, Interpolation::bicubic);
  for (int64_t o = 0; o < outer; ++o) {
    for (int i = 0; i < to; ++i) {
      float* row = out.data() + (o * to + i) * inner;
      for (size_t t = 0; t < taps[i].weights.size(); ++t) {
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

Array resample_grid(const Array& rows, std::array<int, 2> from, std::array<int, 2> to) {
  const int64_t channels = rows.shape.at(1);
  if (from == to) return rows;
  const std::vector<float> wide = resample_axis(rows.data, from[0], from[1], channels, to[1]);
  return {{int64_t{to[0]} * to[1], channels},
          resample_axis(wide, 1, from[0], to[1] * channels, to[0])};
}

Positions positions_for(const Architecture& architecture, const Array& prefix_tokens,
                        const Array& table, std::array<int, 2> grid) {
  Positions positions{prefix_tokens, {}};
  if (table.empty()) return positions;
  const PositionLayout layout = position_layout(architecture, grid);
  const int64_t channels = architecture.width;
  // A table made for the class token alone leaves the registers without positions.
  for (int64_t i = 0; i < layout.prefix * channels; ++i) positions.prefix.data[i] += table.data[i];
  const Array patches({table.shape[0] - layout.prefix, channels},
                      {table.data.begin() + layout.prefix * channels, table.data.end()});
  positions.patches = resample_grid(patches, layout.grid, grid);
  return positions;
}

}  // namespace fovea
