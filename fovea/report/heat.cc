#include "fovea/report/heat.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fovea {

Rgb heat_colour(double share) {
  static constexpr std::array<std::array<double, 3>, 5> kStops = {
      {{18, 10, 60}, {87, 16, 110}, {188, 55, 84}, {249, 142, 9}, {252, 255, 164}}};
  const double place = std::clamp(share, 0.0, 1.0) * (kStops.size() - 1);
  const auto stop = std::min(static_cast<size_t>(place), kStops.size() - 2);
  const double part = place - static_cast<double>(stop);
  Rgb colour;
  for (int c = 0; c < 3; ++c) {
    colour[c] = static_cast<uint8_t>(
        std::lround((1 - part) * kStops[stop][c] + part * kStops[stop + 1][c]));
  }
  return colour;
}

}  // namespace fovea
