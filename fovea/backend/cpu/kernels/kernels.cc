// Compiles the kernels once for every target that Highway and Fovea have in common.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fovea/backend/cpu/kernels/kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "fovea/backend/cpu/kernels/kernels.h"

// The kernels themselves, per target.
#include "fovea/backend/cpu/kernels/attention-inl.h"
#include "fovea/backend/cpu/kernels/bf16-inl.h"
#include "fovea/backend/cpu/kernels/gemm-inl.h"
#include "fovea/backend/cpu/kernels/match-inl.h"
#include "fovea/backend/cpu/kernels/rows-inl.h"
#include "fovea/backend/cpu/kernels/scores-inl.h"
#include "fovea/backend/cpu/kernels/tile-inl.h"
#include "fovea/backend/cpu/kernels/widened-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::kernels::HWY_NAMESPACE {

// Constant data: a program reads the table that it chose, and runs no code of the others.
constexpr Table make_table(InstructionSet set) {
  const Product f32 = {set,
                       Dtype::f32,
                       nullptr,
                       nullptr,
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
  return {set,      kPanel, kTileRows, kLanes, {f32, bf16},  layer_norm, rms_norm,
          activate, rotate, normalize, match,  weighted_sum, maximum};
}

#if HWY_TARGET == HWY_AVX3
constexpr Product kBf16Dots = {
    levels::kAvx512Bf16, Dtype::bf16, round_to_bf16,           round_rest_to_bf16,
    Bf16::kDepth,        nullptr,     hot_rows<Bf16>,          packed_bytes<Bf16>,
    pack_panels<Bf16>,   gemm<Bf16>,  attention<Bf16Attention>};
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

int64_t attention_scratch(const Table& table, int64_t tokens, int64_t width, int64_t value_width,
                          int64_t bias_entries) {
  const int64_t padded = round_up(tokens, table.lanes);
  const int64_t keys = round_up(padded * width, table.lanes);
  const int64_t scores = table.tile_rows * (padded + table.lanes);
  const int64_t inputs = table.tile_rows * (padded + width + 4 * table.lanes) / 2 + table.lanes;
  const int64_t values = tokens * round_up(value_width, table.lanes);
  const int64_t turned =
      round_up(std::max(table.panel_width, table.tile_rows) * width, table.lanes);
  const int64_t biases =
      table.lanes + table.tile_rows * (round_up(bias_entries, table.lanes) + table.lanes);
  // Whole vectors, so that the next worker's share is aligned too.
  return round_up(keys + values + 2 * padded + scores + inputs + turned + biases, table.lanes);
}

int64_t match_scratch(const Table& table, int64_t columns, int64_t width) {
  const int64_t padded = round_up(columns, table.lanes);
  return round_up(table.tile_rows * padded + padded * width + padded, table.lanes);
}

namespace {

// A product that needs more than the other kernels of its target.
struct Extra {
  Dtype weights;
  const Product* product;
};

Table choose(const Table& base, std::span<const Extra> extras, InstructionSet set) {
  Table table = base;
  for (const auto& [weights, product] : extras) {
    if (!set.has(product->needs)) continue;
    table.products[static_cast<size_t>(weights)] = *product;
    table.uses = table.uses.either(product->needs);
  }
  return table;
}

}  // namespace

Table table(InstructionSet set) {
#if HWY_TARGETS & HWY_AVX3
  static constexpr Table kAvx512 = N_AVX3::make_table(levels::kAvx512);
  static constexpr Extra kOfAvx512[] = {{Dtype::bf16, &N_AVX3::kBf16Dots}};
  if (set.has(kAvx512.uses)) return choose(kAvx512, kOfAvx512, set);
#endif
#if HWY_TARGETS & HWY_AVX2
  static constexpr Table kAvx2 = N_AVX2::make_table(levels::kAvx2);
  if (set.has(kAvx2.uses)) return choose(kAvx2, {}, set);
#endif
#if HWY_TARGETS & HWY_NEON
  static constexpr Table kNeon = N_NEON::make_table(levels::kNeon);
  if (set.has(kNeon.uses)) return choose(kNeon, {}, set);
#endif
  static constexpr Table kScalar = N_SCALAR::make_table(levels::kScalar);
  return choose(kScalar, {}, set);
}

}  // namespace fovea::kernels
#endif
