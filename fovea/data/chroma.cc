#include "fovea/data/chroma.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fovea {
namespace {

// The two samples that a pixel at `at` lies between: the nearer, which counts three times, first.
std::array<int, 2> neighbours(int at, int samples) {
  const int near = at / 2;
  return {near, std::clamp(near + (at % 2 == 0 ? -1 : 1), 0, samples - 1)};
}

int interpolated(const HalvedChroma::Plane& plane, std::array<int, 2> rows,
                 std::array<int, 2> columns) {
  const uint8_t* near = plane.first + plane.stride * rows[0];
  const uint8_t* far = plane.first + plane.stride * rows[1];
  return (9 * near[columns[0]] + 3 * near[columns[1]] + 3 * far[columns[0]] + far[columns[1]] + 8) /
         16;
}

uint8_t rounded(double value) {
  return static_cast<uint8_t>(std::clamp(std::floor(value + 0.5), 0.0, 255.0));
}

}  // namespace

void put_rgb(const HalvedChroma& from, size_t channels, uint8_t* to) {
  const double green = 1 - from.red - from.blue;
  const double darkest = from.is_full_range ? 0 : 16;
  const double light = from.is_full_range ? 1 : 255.0 / 219;
  const double colour = from.is_full_range ? 1 : 255.0 / 224;
  const double from_u = 2 * (1 - from.blue) * colour;
  const double from_v = 2 * (1 - from.red) * colour;
  for (int row = 0; row < from.height; ++row) {
    const std::array<int, 2> rows = neighbours(row, (from.height + 1) / 2);
    for (int column = 0; column < from.width; ++column, to += channels) {
      const std::array<int, 2> columns = neighbours(column, (from.width + 1) / 2);
      const double y = (from.y.first[from.y.stride * row + column] - darkest) * light;
      const double blue = from_u * (interpolated(from.u, rows, columns) - 128);
      const double red = from_v * (interpolated(from.v, rows, columns) - 128);
      to[0] = rounded(y + red);
      to[1] = rounded(y - (from.red * red + from.blue * blue) / green);
      to[2] = rounded(y + blue);
    }
  }
}

}  // namespace fovea
