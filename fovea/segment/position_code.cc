#include "fovea/segment/position_code.h"

#include <cmath>
#include <numbers>
#include <vector>

namespace fovea {

void PositionCode::write(double x, double y, float* out) const {
  if (frequencies_.empty()) return;
  const int64_t half = frequencies_.shape.at(1);
  for (int64_t i = 0; i < half; ++i) {
    const double angle =
        2 * std::numbers::pi *
        ((2 * x - 1) * frequencies_.data[i] + (2 * y - 1) * frequencies_.data[half + i]);
    out[i] = static_cast<float>(std::sin(angle));
    out[half + i] = static_cast<float>(std::cos(angle));
  }
}

Array PositionCode::of(const Grid& grid) const {
  Array codes({grid.size(), channels()});
  if (frequencies_.empty()) return codes;
  // The sine and cosine of a sum come of those of its two parts, of which there are few.
  const int64_t half = frequencies_.shape.at(1);
  const auto turns = [&](int axis, int count) {
    std::vector<double> both(2 * half * count);
    for (int64_t i = 0; i < half * count; ++i) {
      const double at = 2 * (static_cast<double>(i / half) + 0.5) / count - 1;
      const double angle = 2 * std::numbers::pi * at * frequencies_.data[axis * half + i % half];
      both[2 * i] = std::sin(angle);
      both[2 * i + 1] = std::cos(angle);
    }
    return both;
  };
  const std::vector<double> across = turns(0, grid.columns);
  const std::vector<double> down = turns(1, grid.rows);
  float* out = codes.data.data();
  for (int64_t cell = 0; cell < grid.size(); ++cell, out += 2 * half) {
    const double* x = across.data() + cell % grid.columns * 2 * half;
    const double* y = down.data() + cell / grid.columns * 2 * half;
    for (int64_t i = 0; i < half; ++i) {
      out[i] = static_cast<float>(x[2 * i] * y[2 * i + 1] + x[2 * i + 1] * y[2 * i]);
      out[half + i] = static_cast<float>(x[2 * i + 1] * y[2 * i + 1] - x[2 * i] * y[2 * i]);
    }
  }
  return codes;
}

}  // namespace fovea
