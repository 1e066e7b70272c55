#include "fovea/model/taps.h"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

double cubic(double x, double a = -0.5) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

}  // namespace

std::vector<Taps> make_taps(int from, int to, Interpolation interpolation) {
  const bool bicubic = interpolation == Interpolation::bicubic;
  const double scale = static_cast<double>(from) / to;
  const double stretch = std::max(scale, 1.0);
  const double support = (bicubic ? 2 : 1) * stretch;
  std::vector<Taps> taps(to);
  for (int i = 0; i < to; ++i) {
    const double centre = scale * (i + 0.5);
    const int last = std::min(from, static_cast<int>(centre + support + 0.5));
    taps[i].first = std::max(0, static_cast<int>(centre - support + 0.5));
    double sum = 0;
    for (int j = taps[i].first; j < last; ++j) {
      const double x = (j - centre + 0.5) / stretch;
      taps[i].weights.push_back(bicubic ? cubic(x) : triangle(x));
      sum += taps[i].weights.back();
    }
    for (double& weight : taps[i].weights) weight /= sum;
  }
  return taps;
}

std::vector<Taps> make_plain_taps(int from, int to) {
  std::vector<Taps> taps(to);
  for (int i = 0; i < to; ++i) {
    const double centre = static_cast<double>(from) / to * (i + 0.5) - 0.5;
    const int before = static_cast<int>(std::floor(centre));
    const auto within = [&](int j) { return std::clamp(j, 0, from - 1); };
    taps[i].first = within(before - 1);
    taps[i].weights.assign(within(before + 2) - taps[i].first + 1, 0);
    for (int j = before - 1; j <= before + 2; ++j) {
      taps[i].weights[within(j) - taps[i].first] += cubic(centre - j, -0.75);
    }
  }
  return taps;
}

}  // namespace fovea
