#include "fovea/model/positions.h"

#include "fovea/model/taps.h"

namespace fovea {

PositionMap position_map(const Architecture& architecture, const Grid& grid) {
  if (architecture.position_rows == 0) return {};
  const PositionLayout layout = position_layout(architecture, grid);
  const int prefix = layout.prefix;
  const Grid& from = layout.grid;
  if (from == grid) return {prefix, from.rows, from.columns, {}, {}};
  const auto taps = [&](int count, int wanted) {
    return architecture.resampling == Resampling::plain
               ? make_plain_taps(count, wanted)
               : make_taps(count, wanted, Interpolation::bicubic);
  };
  return {prefix, from.rows, from.columns, taps(from.rows, grid.rows),
          taps(from.columns, grid.columns)};
}

}  // namespace fovea
