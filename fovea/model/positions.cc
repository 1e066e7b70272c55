#include "fovea/model/positions.h"

#include "fovea/model/taps.h"

namespace fovea {

PositionMap position_map(const Architecture& architecture, std::array<int, 2> grid) {
  if (architecture.position_rows == 0) return {};
  const auto [prefix, from] = position_layout(architecture, grid);
  if (from == grid) return {prefix, from[0], from[1], {}, {}};
  return {prefix, from[0], from[1], make_taps(from[0], grid[0], Interpolation::bicubic),
          make_taps(from[1], grid[1], Interpolation::bicubic)};
}

}  // namespace fovea
