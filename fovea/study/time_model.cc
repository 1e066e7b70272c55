#include "fovea/study/time_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fovea {
namespace {

using Row = std::vector<double>;

// Solves a x = b by elimination; `a` is symmetric and positive definite.
Row solved(std::vector<Row> a, Row b) {
  const size_t n = b.size();
  for (size_t i = 0; i < n; ++i) {
    for (size_t row = i + 1; row < n; ++row) {
      const double factor = a[row][i] / a[i][i];
      for (size_t column = i; column < n; ++column) a[row][column] -= factor * a[i][column];
      b[row] -= factor * b[i];
    }
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t column = i + 1; column < n; ++column) b[i] -= a[i][column] * b[column];
    b[i] /= a[i][i];
  }
  return b;
}

// Least squares of rows * w = 1 over the columns in `used`; the others' weights are 0. Held a
// little towards 0, which keeps it defined.
Row least_squares(const std::vector<Row>& rows, const std::vector<size_t>& used) {
  const size_t n = used.size();
  std::vector<Row> a(n, Row(n));
  Row b(n);
  for (const Row& row : rows) {
    for (size_t i = 0; i < n; ++i) {
      b[i] += row[used[i]];
      for (size_t j = 0; j < n; ++j) a[i][j] += row[used[i]] * row[used[j]];
    }
  }
  for (size_t i = 0; i < n; ++i) a[i][i] *= 1 + 1e-6;
  const Row x = solved(std::move(a), std::move(b));
  Row weights(rows.front().size());
  for (size_t i = 0; i < n; ++i) weights[used[i]] = x[i];
  return weights;
}

}  // namespace

TimeModel::TimeModel(const std::vector<Sample>& samples, double mlp_share) : mlp_share_(mlp_share) {
  // Relative to what was measured, so that fast schedules count as much as slow ones.
  std::vector<Row> rows;
  for (const Sample& sample : samples) {
    rows.push_back(parts(sample.entering, sample.leaving));
    for (double& part : rows.back()) part /= sample.seconds;
  }
  std::vector<size_t> used;
  for (size_t part = 0; part < kParts; ++part) {
    if (std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row[part] != 0; })) {
      used.push_back(part);
    }
  }
  // A part that would take less than no time is left out, the most negative one first.
  while (!used.empty()) {
    weights_ = least_squares(rows, used);
    const auto least = std::min_element(
        used.begin(), used.end(), [&](size_t a, size_t b) { return weights_[a] < weights_[b]; });
    if (weights_[*least] >= 0) break;
    used.erase(least);
  }
}

std::vector<double> TimeModel::parts(const std::vector<int>& entering,
                                     const std::vector<int>& leaving) const {
  Row sum(kParts);
  sum[0] = 1;
  for (size_t layer = 0; layer < entering.size(); ++layer) {
    const double in = entering[layer];
    const double out = leaving[layer];
    sum[1] += (1 - mlp_share_) * in + mlp_share_ * out;
    sum[2] += in * in;
    if (out < in) sum[3] += in * in;
  }
  return sum;
}

double TimeModel::seconds(const std::vector<int>& entering, const std::vector<int>& leaving) const {
  const Row sum = parts(entering, leaving);
  double total = 0;
  for (size_t part = 0; part < kParts; ++part) total += weights_[part] * sum[part];
  return total;
}

}  // namespace fovea
