#include "fovea/tokens/gram.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "fovea/backend/dot.h"
#include "fovea/io/random.h"

namespace fovea {
namespace {

constexpr int kProducts = 4;  // with G; more change nothing that features notice

float product(const Array& a, int64_t i, const Array& b, int64_t j) {
  const int64_t width = a.shape[1];
  return dot(a.data.data() + i * width, b.data.data() + j * width, width);
}

// rows[i] -= share * rows[j]
void subtract(Array& rows, int64_t i, int64_t j, float share) {
  const int64_t width = rows.shape[1];
  float* to = rows.data.data() + i * width;
  const float* from = rows.data.data() + j * width;
  for (int64_t c = 0; c < width; ++c) to[c] -= share * from[c];
}

void scale(Array& rows, int64_t i, double factor) {
  const int64_t width = rows.shape[1];
  for (int64_t c = 0; c < width; ++c) rows.data[i * width + c] *= static_cast<float>(factor);
}

// Makes each row orthogonal to those before it, and of length 1; twice, as single precision needs.
void make_orthonormal(Array& rows) {
  for (int64_t i = 0; i < rows.shape[0]; ++i) {
    for (int pass = 0; pass < 2; ++pass) {
      for (int64_t j = 0; j < i; ++j) subtract(rows, i, j, product(rows, i, rows, j));
      const float length = std::sqrt(product(rows, i, rows, i));
      if (length > 0) scale(rows, i, 1 / length);
    }
  }
}

// L with L L' = a b' [n, n], which has no negative eigenvalues but by rounding; columns of which
// only that is left are zero.
std::vector<double> cholesky(const Array& a, const Array& b) {
  const int64_t n = a.shape[0];
  std::vector<double> lower(n * n);
  double trace = 0;
  for (int64_t i = 0; i < n; ++i) trace += product(a, i, b, i);
  const double least = 1e-6 * trace / static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double rest = product(a, i, b, j);
      for (int64_t k = 0; k < j; ++k) rest -= lower[i * n + k] * lower[j * n + k];
      const double pivot = lower[j * n + j];
      if (i == j) {
        lower[i * n + i] = rest > least ? std::sqrt(rest) : 0;
      } else if (pivot > 0) {
        lower[i * n + j] = rest / pivot;
      }
    }
  }
  return lower;
}

}  // namespace

Array factor_gram(int width, int channels, const std::function<Array(const Array&)>& multiply) {
  const int64_t count = std::max(1, std::min(channels, width - 1));
  Array rows({count, width});
  Random random(0);
  for (float& value : rows.data) value = static_cast<float>(random.normal());
  for (int i = 0; i + 1 < kProducts; ++i) {
    make_orthonormal(rows);
    rows = multiply(rows);
  }
  make_orthonormal(rows);
  Array projection = multiply(rows);
  // With S = rows G rows' = L L' it is the inverse of L times rows G.
  const std::vector<double> lower = cholesky(rows, projection);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      subtract(projection, i, j, static_cast<float>(lower[i * count + j]));
    }
    scale(projection, i, lower[i * count + i] > 0 ? 1 / lower[i * count + i] : 0);
  }
  return projection;
}

}  // namespace fovea
