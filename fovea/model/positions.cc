#include "fovea/model/positions.h"

#include <cmath>

#include "fovea/io/fail.h"
#include "fovea/model/taps.h"

namespace fovea {
namespace {

// VideoMAE's: of patch n and channel j the angle n / 10000^(2 floor(j / 2) / channels), its sine
// where j is even, else its cosine: [count, channels].
Array sinusoids(int64_t count, int channels) {
  Array rows({count, channels});
  for (int j = 0; j < channels; ++j) {
    const double slowness = std::pow(10000.0, 2.0 * (j / 2) / channels);
    for (int64_t n = 0; n < count; ++n) {
      const double angle = static_cast<double>(n) / slowness;
      rows.data[n * channels + j] =
          static_cast<float>(j % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
  return rows;
}

}  // namespace

PositionMap position_map(const Architecture& architecture, const Grid& grid) {
  if (architecture.sinusoids) {
    PositionMap map;
    map.fixed = sinusoids(grid.size(), architecture.width);
    return map;
  }
  if (architecture.position_rows == 0) return {};
  const PositionLayout layout = position_layout(architecture, grid);
  const int prefix = layout.prefix;
  const Grid& from = layout.grid;
  if (from == grid) return {prefix, from.rows, from.columns, {}, {}};
  if (architecture.medium != Medium::picture) {
    fail("positions are stored for {} patches; expected as many, found {}", grid_text(from),
         grid_text(grid));
  }
  const auto taps = [&](int count, int wanted) {
    return architecture.resampling == Resampling::plain
               ? make_plain_taps(count, wanted)
               : make_taps(count, wanted, Interpolation::bicubic);
  };
  return {prefix, from.rows, from.columns, taps(from.rows, grid.rows),
          taps(from.columns, grid.columns)};
}

}  // namespace fovea
