#include "fovea/backend/cpu/kernels/gelu_table.h"

#include <cmath>
#include <cstddef>

namespace fovea::kernels {
namespace {

constexpr int kNodes = 4;

double upper_tail(double t) { return 0.5 * std::erfc(t / std::sqrt(2.0)); }

// The cubic through the values at the four Chebyshev nodes of [-1/2, 1/2]: divided differences,
// then Newton's form multiplied out.
std::array<double, kNodes> fit(double centre) {
  std::array<double, kNodes> node;
  std::array<double, kNodes> difference;
  for (int i = 0; i < kNodes; ++i) {
    node[i] = 0.5 * std::cos((2 * i + 1) * 3.14159265358979323846 / (2 * kNodes));
    difference[i] = upper_tail((centre + node[i]) * static_cast<double>(kGeluStep));
  }
  for (int order = 1; order < kNodes; ++order) {
    for (int i = kNodes - 1; i >= order; --i) {
      difference[i] = (difference[i] - difference[i - 1]) / (node[i] - node[i - order]);
    }
  }
  std::array<double, kNodes> coefficient = {};
  for (int i = kNodes - 1; i >= 0; --i) {
    for (int j = kNodes - 1; j > 0; --j) {
      coefficient[j] = coefficient[j - 1] - node[i] * coefficient[j];
    }
    coefficient[0] = difference[i] - node[i] * coefficient[0];
  }
  return coefficient;
}

GeluTable make_table() {
  GeluTable table;
  for (size_t piece = 0; piece < kGeluPieces; ++piece) {
    const std::array<double, kNodes> cubic = fit(static_cast<double>(piece));
    for (size_t j = 0; j < kNodes; ++j) {
      table.coefficient[j][piece] = static_cast<float>(cubic[j]);
    }
  }
  return table;
}

}  // namespace

const GeluTable& gelu_table() {
  static const GeluTable kTable = make_table();
  return kTable;
}

}  // namespace fovea::kernels
