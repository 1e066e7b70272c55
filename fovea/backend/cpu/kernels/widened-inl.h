// Weights in bf16 for machines that can't multiply it: half the memory, widened panel by panel and
// multiplied in single precision. Included once for each target.
#if defined(FOVEA_KERNELS_WIDENED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_WIDENED_INL_H_
#undef FOVEA_KERNELS_WIDENED_INL_H_
#else
#define FOVEA_KERNELS_WIDENED_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>

#include "fovea/backend/cpu/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::kernels::HWY_NAMESPACE {

// The nearest bf16, ties to even; NaN stays NaN.
HWY_INLINE uint16_t to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<uint16_t>((bits >> 16) | 0x40U);
  return static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

HWY_INLINE void widen(const uint16_t* HWY_RESTRICT from, int64_t count, float* HWY_RESTRICT to) {
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = static_cast<uint32_t>(from[i]) << 16;
    std::memcpy(to + i, &bits, sizeof(bits));
  }
}

// B lies like F32's, in half the bytes.
struct Bf16Weights {
  static int64_t packed_rows(int64_t k) { return k; }
  using A = float;
  using B = uint16_t;

  static void pack(const float* rows, int64_t stride, int64_t columns, int64_t width, int64_t k,
                   uint16_t* panel) {
    for (int64_t c = 0; c < width; ++c) {
      for (int64_t i = 0; i < k; ++i) {
        panel[i * width + c] = c < columns ? to_bf16(rows[c * stride + i]) : uint16_t{0};
      }
    }
  }
};

// What of a panel is multiplied in one go, widened: too much for the stack of a caller's thread.
int64_t wide_floats(const Gemm& g) { return std::min(g.k + 1, depth_of<F32>(g)) * kPanel; }

// A product with such weights, panel by panel: each is widened once and then meets all rows.
void gemm_widened(const Gemm& g, int64_t row_begin, int64_t row_end, int64_t panel_begin,
                  int64_t panel_end) {
  const auto* b = static_cast<const uint16_t*>(g.b);
  const int64_t pairs = (g.k + 1) / 2;
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    const int64_t width = g.is_gated ? kPanel : width_of_panel(g.n, p);
    for_even_runs(0, pairs, depth_of<F32>(g) / 2, [&](int64_t begin, int64_t count) HWY_ATTR {
      const Gemm part = depth_block(g, 2 * begin, std::min(2 * count, g.k - 2 * begin));
      widen(b + p * kPanel * g.k + 2 * begin * width, part.k * width, g.scratch);
      multiply_panel<F32>(part, static_cast<const float*>(g.a) + 2 * begin, g.scratch, p, row_begin,
                          row_end - row_begin);
    });
  }
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
