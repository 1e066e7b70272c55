#include "fovea/report/principal.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

using Direction = std::vector<double>;

// Vectorised only where the order of sums is free: so in four of them.
double dot(std::span<const double> a, std::span<const double> b) {
  double sums[4] = {};
  size_t i = 0;
  for (; i + 4 <= a.size(); i += 4) {
    for (size_t lane = 0; lane < 4; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < a.size(); ++i) sums[0] += a[i] * b[i];
  return sums[0] + sums[1] + sums[2] + sums[3];
}

void add_scaled(std::span<double> to, double factor, std::span<const double> from) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += factor * from[i];
}

// Each is made orthogonal to those before it, and as long as 1; 0 where nothing is left of it.
void orthonormalise(std::vector<Direction>& directions) {
  for (size_t k = 0; k < directions.size(); ++k) {
    const double before = std::sqrt(dot(directions[k], directions[k]));
    for (int times = 0; times < 2; ++times) {  // once more for what rounding left
      for (size_t j = 0; j < k; ++j) {
        add_scaled(directions[k], -dot(directions[k], directions[j]), directions[j]);
      }
    }
    const double length = std::sqrt(dot(directions[k], directions[k]));
    const double factor = length > 1e-9 * before ? 1 / length : 0;
    for (double& value : directions[k]) value *= factor;
  }
}

// Rows less their mean, in double precision, one at a time.
class Centred {
 public:
  explicit Centred(const Array& rows) : rows_(rows), mean_(rows.shape[1]), row_(rows.shape[1]) {
    for (int64_t i = 0; i < count(); ++i) {
      for (size_t c = 0; c < mean_.size(); ++c) mean_[c] += value(i, c);
    }
    for (double& m : mean_) m /= static_cast<double>(count());
    for (const double m : mean_) {
      if (!std::isfinite(m)) fail("features of patches: found a value that is not a finite number");
    }
  }

  int64_t count() const { return rows_.shape[0]; }
  const std::vector<double>& mean() const { return mean_; }
  std::span<const double> row(int64_t i) {
    for (size_t c = 0; c < mean_.size(); ++c) row_[c] = value(i, c) - mean_[c];
    return row_;
  }

 private:
  double value(int64_t i, size_t c) const { return rows_.data[i * mean_.size() + c]; }

  const Array& rows_;
  std::vector<double> mean_;
  std::vector<double> row_;
};

// What the covariance (times N) makes of directions, and their variances (times N).
std::vector<Direction> covariance_times(Centred& rows, const std::vector<Direction>& directions,
                                        std::vector<double>& variances) {
  std::vector<Direction> out(directions.size(), Direction(rows.mean().size()));
  variances.assign(directions.size(), 0);
  for (int64_t i = 0; i < rows.count(); ++i) {
    const std::span<const double> row = rows.row(i);
    for (size_t k = 0; k < directions.size(); ++k) {
      const double along = dot(row, directions[k]);
      variances[k] += along * along;
      add_scaled(out[k], along, row);
    }
  }
  return out;
}

// Any will do that is not orthogonal to what is looked for.
std::vector<Direction> first_directions(int count, size_t channels) {
  std::vector<Direction> directions(count, Direction(channels));
  for (size_t k = 0; k < directions.size(); ++k) {
    for (size_t c = 0; c < channels; ++c)
      directions[k][c] = std::cos(static_cast<double>((k + 1) * (c + 1)) * 0.7 + 0.3);
  }
  orthonormalise(directions);
  return directions;
}

bool are_close(const std::vector<double>& a, const std::vector<double>& b) {
  for (size_t k = 0; k < a.size(); ++k) {
    if (std::abs(a[k] - b[k]) > 1e-9 * std::abs(a.front())) return false;
  }
  return true;
}

double total_variance(Centred& rows) {
  double total = 0;
  for (int64_t i = 0; i < rows.count(); ++i) {
    const std::span<const double> row = rows.row(i);
    total += dot(row, row);
  }
  return total;
}

// The sign of an eigenvector is chance; a picture should not depend on it.
void fix_sign(Direction& direction) {
  const auto largest = std::max_element(direction.begin(), direction.end(), [](double a, double b) {
    return std::abs(a) < std::abs(b);
  });
  if (largest == direction.end() || *largest >= 0) return;
  for (double& value : direction) value = -value;
}

uint8_t level(float value, float least, float most) {
  if (!(most > least)) return 128;
  return static_cast<uint8_t>(
      std::lround(255 * std::clamp((value - least) / (most - least), 0.0F, 1.0F)));
}

}  // namespace

PrincipalComponents principal_components(const Array& rows, int count) {
  Centred centred(rows);
  std::vector<Direction> directions = first_directions(count, rows.shape[1]);
  std::vector<double> variances;
  std::vector<double> before;
  // Orthogonal iteration, on the rows themselves: the covariance of wide features would cost more.
  constexpr int kMost = 300;
  for (int i = 0; i < kMost; ++i) {
    std::vector<Direction> next = covariance_times(centred, directions, variances);
    orthonormalise(next);
    directions = std::move(next);
    if (i > 0 && are_close(variances, before)) break;
    before = variances;
  }
  covariance_times(centred, directions, variances);
  PrincipalComponents found{centred.mean(), Array({count, rows.shape[1]}), {}};
  const double total = total_variance(centred);
  float* to = found.directions.data.data();
  for (int k = 0; k < count; ++k) {
    fix_sign(directions[k]);
    for (const double value : directions[k]) *to++ = static_cast<float>(value);
    found.shares.push_back(total > 0 ? variances[k] / total : 0);
  }
  return found;
}

Array project(const PrincipalComponents& components, const Array& rows) {
  const int64_t count = components.directions.shape[0];
  const int64_t channels = rows.shape[1];
  Array out({rows.shape[0], count});
  for (int64_t i = 0; i < rows.shape[0]; ++i) {
    for (int64_t k = 0; k < count; ++k) {
      double sum = 0;
      for (int64_t c = 0; c < channels; ++c) {
        sum += (rows.data[i * channels + c] - components.mean[c]) *
               components.directions.data[k * channels + c];
      }
      out.data[i * count + k] = static_cast<float>(sum);
    }
  }
  return out;
}

std::vector<Rgb> component_colours(const Array& projected) {
  const int64_t count = projected.shape[0];
  std::vector<Rgb> colours(count);
  std::vector<float> sorted(count);
  for (int64_t k = 0; k < 3; ++k) {
    for (int64_t i = 0; i < count; ++i) sorted[i] = projected.data[3 * i + k];
    std::sort(sorted.begin(), sorted.end());
    const int64_t margin = count / 50;
    for (int64_t i = 0; i < count; ++i) {
      colours[i][k] = level(projected.data[3 * i + k], sorted[margin], sorted[count - 1 - margin]);
    }
  }
  return colours;
}

}  // namespace fovea
