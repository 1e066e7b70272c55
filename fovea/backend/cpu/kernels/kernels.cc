// Compiles the kernels once for every target that Highway and FOVEA's levels have in common.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fovea/backend/cpu/kernels/kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "fovea/backend/cpu/kernels/kernels.h"

// The kernels themselves, per target.
#include "fovea/backend/cpu/kernels/attention-inl.h"
#include "fovea/backend/cpu/kernels/bf16-inl.h"
#include "fovea/backend/cpu/kernels/gemm-inl.h"
#include "fovea/backend/cpu/kernels/half-inl.h"
#include "fovea/backend/cpu/kernels/match-inl.h"
#include "fovea/backend/cpu/kernels/rows-inl.h"
#include "fovea/backend/cpu/kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::kernels::HWY_NAMESPACE {

// Constant data: a program reads the table that it chose, and runs no code of the others.
constexpr Table make_table(SimdLevel level) {
  const Product f32 = {false,
                       F32::kDepth,
                       nullptr,
                       hot_rows<F32>,
                       packed_bytes<F32>,
                       pack_panels<F32>,
                       gemm<F32>,
                       attention<F32Attention>};
  Product bf16 = f32;
  bf16.packed_bytes = packed_bytes<Bf16Weights>;
  bf16.pack_panels = pack_panels<Bf16Weights>;
  bf16.gemm = gemm_widened;
  bf16.gemm_scratch = wide_floats;
  return {level,      kPanel,   kTileRows, kLanes,    f32,   bf16,         nullptr, nullptr,
          layer_norm, rms_norm, rotate,    normalize, match, weighted_sum, maximum};
}

#if HWY_TARGET == HWY_AVX3
constexpr Table make_bf16_table() {
  Table table = make_table(SimdLevel::avx512_bf16);
  table.bf16 = {true,
                Bf16::kDepth,
                nullptr,
                hot_rows<Bf16>,
                packed_bytes<Bf16>,
                pack_panels<Bf16>,
                gemm<Bf16>,
                attention<Bf16Attention>};
  table.narrow_rows = narrow_rows;
  table.narrow_rest = narrow_rest;
  return table;
}
#endif

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::kernels {
namespace {

int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

}  // namespace

int64_t panel_count(const Table& table, int64_t n) {
  return (n + table.panel_width - 1) / table.panel_width;
}

int64_t gated_panel_count(const Table& table, int64_t n) {
  return (n + table.lanes - 1) / table.lanes;
}

float softmax_scale(int64_t width) {
  constexpr float kLog2E = 1.4426950408889634F;
  return kLog2E / std::sqrt(static_cast<float>(width));
}

int64_t attention_scratch(const Table& table, int64_t tokens, int64_t width, int64_t value_width) {
  const int64_t padded = round_up(tokens, table.lanes);
  const int64_t keys = round_up(padded * width, table.lanes);
  const int64_t scores = table.tile_rows * (padded + table.lanes);
  const int64_t narrow = table.tile_rows * (padded + width + 4 * table.lanes) / 2 + table.lanes;
  const int64_t values = tokens * round_up(value_width, table.lanes);
  const int64_t turned = std::max(table.panel_width, table.tile_rows) * width;
  // Whole vectors, so that the next worker's share is aligned too.
  return round_up(keys + values + 2 * padded + scores + narrow + turned, table.lanes);
}

int64_t match_scratch(const Table& table, int64_t columns, int64_t width) {
  const int64_t padded = round_up(columns, table.lanes);
  return round_up(table.tile_rows * padded + padded * width + padded, table.lanes);
}

const Table& table(SimdLevel level) {
#if HWY_TARGETS & HWY_AVX3
  static constexpr Table kAvx512 = N_AVX3::make_table(SimdLevel::avx512);
  static constexpr Table kAvx512Bf16 = N_AVX3::make_bf16_table();
  if (level == SimdLevel::avx512_bf16) return kAvx512Bf16;
  if (level == SimdLevel::avx512) return kAvx512;
#endif
#if HWY_TARGETS & HWY_AVX2
  static constexpr Table kAvx2 = N_AVX2::make_table(SimdLevel::avx2);
  if (level == SimdLevel::avx2) return kAvx2;
#endif
#if HWY_TARGETS & HWY_NEON
  static constexpr Table kNeon = N_NEON::make_table(SimdLevel::neon);
  if (level == SimdLevel::neon) return kNeon;
#endif
  static constexpr Table kScalar = N_SCALAR::make_table(SimdLevel::scalar);
  return kScalar;
}

}  // namespace fovea::kernels
#endif
