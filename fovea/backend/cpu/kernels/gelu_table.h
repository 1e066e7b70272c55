// GELU in pieces, for registers that hold a table.
#pragma once

#include <array>

namespace fovea::kernels {

// 1 - Phi(t), the upper tail of the normal distribution, for t of [0, kGeluLimit] as cubics: around
// every multiple i of the step, the value at (i + f) * step is the sum of coefficient[j][i] * f^j,
// |f| <= 1/2. Within 2e-7; past the limit the tail is less than that.
inline constexpr int kGeluPieces = 32;
inline constexpr float kGeluLimit = 5.2F;
inline constexpr float kGeluStep = kGeluLimit / (kGeluPieces - 1);

struct GeluTable {
  alignas(64) std::array<std::array<float, kGeluPieces>, 4> coefficient;
};

// Fitted once.
const GeluTable& gelu_table();

}  // namespace fovea::kernels
