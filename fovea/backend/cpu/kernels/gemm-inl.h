// The matrix product: a register tile of rows x panel columns, and the walk over rows and panels.
// Included once for each target.
#if defined(FOVEA_KERNELS_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_GEMM_INL_H_
#undef FOVEA_KERNELS_GEMM_INL_H_
#else
#define FOVEA_KERNELS_GEMM_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "fovea/backend/cpu/kernels/kernels.h"
#include "fovea/backend/cpu/kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Floats of a panel to ask for ahead: measured, a gain of some percent for the narrow panels of
// AVX2 and a loss for AVX-512.
inline constexpr int64_t kPanelAhead = kLanes == 8 ? 32 * kPanel : 0;
// Bytes of A that stay in the second cache while the panels pass.
inline constexpr int64_t kHotBytes = 384 * 1024;

// Panels are two vectors wide; a last one of no more than one vector of columns is one vector wide.
HWY_INLINE int64_t width_of_panel(int64_t n, int64_t panel) {
  return n - panel * kPanel <= kLanes ? kLanes : kPanel;
}

// tile[r][0..V) = sum over k of a[r][k] * panel[k]: kRows x V vectors of accumulators held in
// registers.
template <int kRows, int V>
HWY_NOINLINE void multiply_tile(const float* HWY_RESTRICT a, int64_t stride,
                                const float* HWY_RESTRICT panel, int64_t k, float* HWY_RESTRICT out,
                                int64_t out_stride) {
  const Floats d;
  FloatVec sum[kRows][V];
#pragma GCC unroll 14
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[r][v] = hn::Zero(d);
  }
  // One pointer for every three rows: the others are a multiple of the stride away, which is an
  // addressing mode.
  const float* row[(kRows + 2) / 3];
#pragma GCC unroll 5
  for (int g = 0; g < (kRows + 2) / 3; ++g) row[g] = a + 3 * g * stride;
  for (int64_t i = 0; i < k; ++i) {
    FloatVec b[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) b[v] = hn::Load(d, panel + v * kLanes);
    if constexpr (kPanelAhead > 0) __builtin_prefetch(panel + kPanelAhead);
    panel += V * kLanes;
#pragma GCC unroll 14
    for (int r = 0; r < kRows; ++r) {
      const FloatVec value = hn::Set(d, row[r / 3][(r % 3) * stride]);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[r][v] = hn::MulAdd(value, b[v], sum[r][v]);
    }
#pragma GCC unroll 5
    for (int g = 0; g < (kRows + 2) / 3; ++g) ++row[g];
  }
#pragma GCC unroll 14
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) hn::StoreU(sum[r][v], d, out + r * out_stride + v * kLanes);
  }
}

// panel[i][c] = rows[c][i] for a block of 4 x 4, in registers.
HWY_INLINE void turn_block(const float* HWY_RESTRICT rows, int64_t stride,
                           float* HWY_RESTRICT panel, int64_t width) {
#if HWY_TARGET == HWY_SCALAR
  for (int c = 0; c < 4; ++c) {
    for (int i = 0; i < 4; ++i) panel[i * width + c] = rows[c * stride + i];
  }
#else
  const hn::FixedTag<float, 4> d;
  const hn::FixedTag<double, 2> pairs;
  const auto a = hn::LoadU(d, rows);
  const auto b = hn::LoadU(d, rows + stride);
  const auto c = hn::LoadU(d, rows + 2 * stride);
  const auto e = hn::LoadU(d, rows + 3 * stride);
  const auto low_ab = hn::BitCast(pairs, hn::InterleaveLower(d, a, b));
  const auto low_ce = hn::BitCast(pairs, hn::InterleaveLower(d, c, e));
  const auto high_ab = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b));
  const auto high_ce = hn::BitCast(pairs, hn::InterleaveUpper(d, c, e));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low_ab, low_ce)), d, panel);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low_ab, low_ce)), d, panel + width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high_ab, high_ce)), d, panel + 2 * width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high_ab, high_ce)), d, panel + 3 * width);
#endif
}

// One panel of `width` columns from that many rows of the transposed matrix, zeros past `columns`.
HWY_INLINE void pack_panel(const float* HWY_RESTRICT rows, int64_t stride, int64_t columns,
                           int64_t width, int64_t k, float* HWY_RESTRICT panel) {
  const int64_t whole_columns = columns / 4 * 4;
  const int64_t whole_k = k / 4 * 4;
  for (int64_t i = 0; i < whole_k; i += 4) {
    for (int64_t c = 0; c < whole_columns; c += 4) {
      turn_block(rows + c * stride + i, stride, panel + i * width + c, width);
    }
  }
  for (int64_t c = 0; c < width; ++c) {
    for (int64_t i = c < whole_columns ? whole_k : 0; i < k; ++i) {
      panel[i * width + c] = c < columns ? rows[c * stride + i] : 0.0F;
    }
  }
}

// A function for each number of rows of a tile.
template <class Function, template <int> class Tile, size_t... kIndex>
constexpr std::array<Function, sizeof...(kIndex)> tile_functions(std::index_sequence<kIndex...>) {
  return {Tile<static_cast<int>(kIndex) + 1>::function...};
}

// The function for a tile of 1 to kTileRows rows against a whole or a half panel.
template <class Function, template <int> class Whole, template <int> class Half>
HWY_INLINE Function tile_function(int64_t rows, int64_t panel_width) {
  using Counts = std::make_index_sequence<kTileRows>;
  static constexpr auto kWhole = tile_functions<Function, Whole>(Counts());
  static constexpr auto kHalf = tile_functions<Function, Half>(Counts());
  return panel_width == kPanel ? kWhole[rows - 1] : kHalf[rows - 1];
}

// The number formats that a product can have: what A and B are made of, how B is packed, a tile
// multiplied and written. This one is single precision throughout.
struct F32 {
  using A = float;
  using B = float;
  static constexpr int64_t kDepth = 1536;  // of k in one go: longer panels would not fit beside A

  static int64_t packed_rows(int64_t k) { return k; }

  template <int kRows>
  struct Whole {
    static constexpr auto* function = &multiply_tile<kRows, 2>;
  };
  template <int kRows>
  struct Half {
    static constexpr auto* function = &multiply_tile<kRows, 1>;
  };

  // A tile of 1 to kTileRows rows against one panel.
  static void multiply(const float* a, int64_t stride, int64_t rows, const float* panel,
                       int64_t panel_width, int64_t k, float* out, int64_t out_stride) {
    using Function = void (*)(const float*, int64_t, const float*, int64_t, float*, int64_t);
    const Function multiply = tile_function<Function, Whole, Half>(rows, panel_width);
    multiply(a, stride, panel, k, out, out_stride);
  }
  static void write(const Written& written) { write_tile(written); }
  static void pack(const float* rows, int64_t stride, int64_t columns, int64_t width, int64_t k,
                   float* panel) {
    pack_panel(rows, stride, columns, width, k, panel);
  }
};

// Calls visit(first, count) for [begin, end) in the fewest runs of at most `most`, as even as can
// be.
template <class Visit>
HWY_INLINE void for_even_runs(int64_t begin, int64_t end, int64_t most, const Visit& visit) {
  const int64_t total = end - begin;
  const int64_t runs = (total + most - 1) / most;
  for (int64_t i = 0; i < runs; ++i) {
    const int64_t first = begin + total * i / runs;
    visit(first, begin + total * (i + 1) / runs - first);
  }
}

// The part of a product that k in [begin, begin + count) contributes: its bias and epilogue. Where
// k is cut depends on k alone.
HWY_INLINE Gemm depth_block(Gemm g, int64_t begin, int64_t count) {
  const bool first = begin == 0;
  const bool last = begin + count == g.k;
  if (!first) g.bias = nullptr;
  if (g.epilogue == Epilogue::store && !first) g.epilogue = Epilogue::add;
  if (!last) g.activation = Activation::none;
  g.k = count;
  return g;
}

// How much of k is multiplied in one go. The parts of a gated product could not be added up: it is
// not cut.
template <class Format>
HWY_INLINE int64_t depth_of(const Gemm& g) {
  return g.is_gated ? std::max(g.k + 1, Format::kDepth) : Format::kDepth;
}

// Asks for the lines of C that a tile will be written to while it is still being multiplied.
HWY_INLINE void prefetch_c(const Gemm& g, int64_t row, int64_t rows, int64_t column) {
  constexpr int64_t kLine = 64;
  constexpr int kForWriting = 1;
  const auto size =
      static_cast<int64_t>(g.c_dtype == Dtype::f32 ? sizeof(float) : sizeof(uint16_t));
  const char* c = static_cast<const char*>(g.c);
  for (int64_t r = row; r < row + rows; ++r) {
    const char* first = c + (r * g.c_stride + column) * size;
    for (int64_t at = 0; at < (g.is_gated ? kLanes : kPanel) * size; at += kLine)
      __builtin_prefetch(first + at, kForWriting);
  }
}

// Rows [block, block + block_rows) x panel p of a product. a, panel: where the part of k that g is
// starts.
template <class Format>
HWY_INLINE void multiply_panel(const Gemm& g, const typename Format::A* a,
                               const typename Format::B* panel, int64_t p, int64_t block,
                               int64_t block_rows) {
  alignas(64) float tile[kTileRows * kPanel];
  const int64_t most = g.is_gated ? kLanes : kPanel;
  const int64_t column = p * most;
  const int64_t columns = std::min(most, g.n - column);
  const int64_t width = g.is_gated ? kPanel : width_of_panel(g.n, p);
  for_even_runs(block, block + block_rows, kTileRows, [&](int64_t row, int64_t rows) HWY_ATTR {
    prefetch_c(g, row, rows, column);
    Format::multiply(a + row * g.a_stride, g.a_stride, rows, panel, width, g.k, tile, kPanel);
    Format::write({g, tile, row, rows, column, columns});
  });
}

// The same of many panels, while the rows stay in the second cache. g is the part of a product over
// k_total whose k starts at `begin`.
template <class Format>
HWY_INLINE void multiply_block(const Gemm& g, int64_t k_total, int64_t begin, int64_t block,
                               int64_t block_rows, int64_t panel_begin, int64_t panel_end) {
  const auto* a = static_cast<const typename Format::A*>(g.a) + begin;
  const auto* b = static_cast<const typename Format::B*>(g.b);
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    const int64_t width = g.is_gated ? kPanel : width_of_panel(g.n, p);
    const auto* panel = b + p * kPanel * Format::packed_rows(k_total) + begin * width;
    multiply_panel<Format>(g, a, panel, p, block, block_rows);
  }
}

template <class Format>
int64_t hot_rows(int64_t k) {
  const int64_t row_bytes =
      std::min(k, Format::kDepth) * static_cast<int64_t>(sizeof(typename Format::A));
  return std::max(kTileRows, kHotBytes / row_bytes / kTileRows * kTileRows);
}

template <class Format>
void gemm(const Gemm& g, int64_t row_begin, int64_t row_end, int64_t panel_begin,
          int64_t panel_end) {
  // An even number of each depth block: bf16 goes in pairs.
  const int64_t pairs = (g.k + 1) / 2;
  for_even_runs(
      row_begin, row_end, hot_rows<Format>(g.k), [&](int64_t block, int64_t rows) HWY_ATTR {
        for_even_runs(
            0, pairs, depth_of<Format>(g) / 2, [&](int64_t begin, int64_t count) HWY_ATTR {
              const Gemm part = depth_block(g, 2 * begin, std::min(2 * count, g.k - 2 * begin));
              multiply_block<Format>(part, g.k, 2 * begin, block, rows, panel_begin, panel_end);
            });
      });
}

template <class Format>
void pack_panels(const float* rows, int64_t stride, int64_t n, int64_t k, int64_t begin,
                 int64_t end, void* panels) {
  for (int64_t p = begin; p < end; ++p) {
    const int64_t column = p * kPanel;
    Format::pack(rows + column * stride, stride, std::min(kPanel, n - column), width_of_panel(n, p),
                 k, static_cast<typename Format::B*>(panels) + column * Format::packed_rows(k));
  }
}

template <class Format>
int64_t packed_bytes(int64_t n, int64_t k) {
  const int64_t columns = (n + kLanes - 1) / kLanes * kLanes;
  return columns * Format::packed_rows(k) * static_cast<int64_t>(sizeof(typename Format::B));
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
