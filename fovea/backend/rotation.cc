#include "fovea/backend/rotation.h"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr double kTwoPi = 6.28318530717958647692;

// Angles of one place: [heads * pairs].
class Angles {
 public:
  Angles(const Rotation& rotation, int layer, const Grid& grid, int64_t width)
      : rotation_(rotation), layer_(layer), grid_(grid) {
    const double sign = rotation.kind == RotationKind::cat ? -4.0 : 4.0;
    for (int64_t j = 0; j < width / 4; ++j) {
      const double power =
          std::pow(rotation.theta, sign * static_cast<double>(j) / static_cast<double>(width));
      speeds_.push_back(rotation.kind == RotationKind::cat ? power : kTwoPi / power);
    }
  }

  void operator()(Place place, double* out) const {
    if (rotation_.kind == RotationKind::mixed) return mix(place, out);
    const double y = coordinate(place.y, 0, grid_.rows);
    const double x = coordinate(place.x, 1, grid_.columns);
    const bool x_first = rotation_.kind == RotationKind::cat && rotation_.x_first;
    for (const double speed : speeds_) *out++ = (x_first ? x : y) * speed;
    for (const double speed : speeds_) *out++ = (x_first ? y : x) * speed;
  }

 private:
  double coordinate(double at, size_t axis, int extent) const {
    if (rotation_.kind == RotationKind::dinov3) return 2 * (at + 0.5) / extent - 1;
    const double reference = rotation_.reference[axis];
    return (at + rotation_.offset) * (reference > 0 ? reference / extent : 1);
  }
  void mix(Place place, double* out) const {
    const Shape& shape = rotation_.frequencies.shape;
    const int64_t each = shape[2] * shape[3];
    const float* x = rotation_.frequencies.data.data() + layer_ * each;
    const float* y = x + shape[1] * each;
    for (int64_t i = 0; i < each; ++i) out[i] = double{place.x} * x[i] + double{place.y} * y[i];
  }

  const Rotation& rotation_;
  int layer_;
  Grid grid_;
  std::vector<double> speeds_;
};

// Within 2e-7: Taylor's polynomials on [-pi / 4, pi / 4] around the nearest quarter turn. A loop
// without branches, many times as fast as the library's functions.
void turn(const double* angles, int64_t count, float* cos, float* sin) {
  constexpr double kQuarter = kTwoPi / 4;
  constexpr double kRounds = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to a whole number
  for (int64_t i = 0; i < count; ++i) {
    const double shifted = angles[i] / kQuarter + kRounds;
    const double whole = shifted - kRounds;
    const double r = angles[i] - whole * kQuarter;
    const double s = r * r;
    const double odd =
        r * (1 + s * (-1.0 / 6 + s * (1.0 / 120 + s * (-1.0 / 5040 + s * (1.0 / 362880)))));
    const double even = 1 + s * (-0.5 + s * (1.0 / 24 + s * (-1.0 / 720 + s * (1.0 / 40320))));
    const double half = whole * 0.5;
    const double is_odd = 2 * std::abs(half - (half + kRounds - kRounds));   // 0, or 1
    const double second = whole - 4 * ((whole * 0.25 + kRounds) - kRounds);  // -2 to 2
    // Quarter turns 0, 1, 2, 3: cos is even, -odd, -even, odd, and sin odd, even, -odd, -even.
    const double cos_sign = second == 1 || second * second == 4 ? -1 : 1;
    const double sin_sign = second == -1 || second * second == 4 ? -1 : 1;
    cos[i] = static_cast<float>(cos_sign * (is_odd != 0 ? odd : even));
    sin[i] = static_cast<float>(sin_sign * (is_odd != 0 ? even : odd));
  }
}

}  // namespace

Turns turns_of(const Rotation& rotation, int layer, std::span<const int32_t> first,
               std::span<const Place> places, int prefix, const Grid& grid, int64_t width,
               const EarlierTurns* earlier) {
  Turns turns;
  turns.pairs = width / 2;
  turns.in_halves = rotation.kind == RotationKind::dinov3;
  if (rotation.kind == RotationKind::mixed) {
    turns.heads = static_cast<int>(rotation.frequencies.shape[2]);
  }
  const int64_t each = turns.stride();
  turns.cos.assign(each * first.back(), 1);
  turns.sin.assign(each * first.back(), 0);
  const Angles angles_of(rotation, layer, grid, width);
  std::vector<double> angles(each);
  for (size_t image = 0; image + 1 < first.size(); ++image) {
    for (int64_t row = first[image] + prefix; row < first[image + 1]; ++row) {
      const int32_t then = earlier == nullptr ? -1 : earlier->rows[row];
      if (then >= 0) {
        const int64_t from = then * each;
        std::copy_n(earlier->turns.cos.begin() + from, each, turns.cos.begin() + row * each);
        std::copy_n(earlier->turns.sin.begin() + from, each, turns.sin.begin() + row * each);
        continue;
      }
      angles_of(places[row], angles.data());
      turn(angles.data(), each, turns.cos.data() + row * each, turns.sin.data() + row * each);
    }
  }
  return turns;
}

}  // namespace fovea
