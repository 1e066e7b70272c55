#include "fovea/model/positions.h"

#include "fovea/model/taps.h"

namespace fovea {

PositionMap position_map(const Architecture& architecture, std::array<int, 2> grid) {
  if (architecture.position_rows == 0) return {};
  const PositionLayout layout = position_layout(architecture, grid);
  const int prefix = layout.prefix;
  const std::array<int, 2>& from = layout.grid;
  if (from == grid) return {prefix, from[0], from[1], {}, {}};
  const auto taps = [&](int axis) {
    return architecture.resampling == Resampling::plain
               ? make_plain_taps(from[axis], grid[axis])
               : make_taps(from[axis], grid[axis], Interpolation::bicubic);
  };
  return {prefix, from[0], from[1], taps(0), taps(1)};
}

}  // namespace fovea
