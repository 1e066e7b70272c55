// bf16 arithmetic through AVX-512's dot product of pairs, by intrinsics: Highway 1.0.3 has none for
// it. There for the AVX3 target alone; chosen at run time where the processor has it.
#if defined(FOVEA_KERNELS_BF16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_BF16_INL_H_
#undef FOVEA_KERNELS_BF16_INL_H_
#else
#define FOVEA_KERNELS_BF16_INL_H_
#endif

#include <hwy/highway.h>

#if HWY_TARGET == HWY_AVX3
#include <immintrin.h>

#include <cstring>

#include "fovea/backend/cpu/kernels/attention-inl.h"

HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR_AVX3 ",avx512bf16")
namespace fovea::kernels::HWY_NAMESPACE {

// 16 floats to the nearest bf16.
HWY_INLINE __m256i rounded(__m512 values) { return (__m256i)_mm512_cvtneps_pbh(values); }

// tile[r][0..V) = sum over pairs of k of a[r][k] * panel[k].
template <int kRows, int V>
HWY_NOINLINE void multiply_tile_bf16(const uint16_t* HWY_RESTRICT a, int64_t stride,
                                     const uint16_t* HWY_RESTRICT panel, int64_t k,
                                     float* HWY_RESTRICT out, int64_t out_stride) {
  __m512 sum[kRows][V];
#pragma GCC unroll 14
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[r][v] = _mm512_setzero_ps();
  }
  const uint16_t* row[(kRows + 2) / 3];  // see multiply_tile
#pragma GCC unroll 5
  for (int g = 0; g < (kRows + 2) / 3; ++g) row[g] = a + 3 * g * stride;
  for (int64_t i = 0; i < k; i += 2) {
    __m512bh b[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) b[v] = (__m512bh)_mm512_load_si512(panel + v * 2 * kLanes);
    panel += V * 2 * kLanes;
#pragma GCC unroll 14
    for (int r = 0; r < kRows; ++r) {
      int pair;
      std::memcpy(&pair, row[r / 3] + (r % 3) * stride, sizeof(pair));
      const __m512bh value = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], value, b[v]);
    }
#pragma GCC unroll 5
    for (int g = 0; g < (kRows + 2) / 3; ++g) row[g] += 2;
  }
#pragma GCC unroll 14
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) _mm512_storeu_ps(out + r * out_stride + v * kLanes, sum[r][v]);
  }
}

// Stores the first `count` of 32 bf16; masked stores are the slower ones.
HWY_INLINE void store_bf16(uint16_t* to, __m512bh values, int64_t count) {
  if (count >= 2 * kLanes) {
    _mm512_storeu_si512(to, (__m512i)values);
  } else {
    _mm512_mask_storeu_epi16(to, (1U << count) - 1, (__m512i)values);
  }
}

// `count` floats of a bias, zeros behind them; zeros where there is none.
HWY_INLINE FloatVec load_bias(const float* bias, int64_t count) {
  const auto lanes = static_cast<__mmask16>(count >= kLanes ? 0xffffU
                                            : count > 0     ? (1U << count) - 1
                                                            : 0U);
  return FloatVec{bias ? _mm512_maskz_loadu_ps(lanes, bias) : _mm512_setzero_ps()};
}

// Bias, activation and rounding of a tile whose C is bf16.
struct WriteBf16Tile : Written {
  template <Activation kActivation>
  HWY_NOINLINE void run() const {
    const Floats d;
    const Activate<kActivation> activate;
    const float* bias = g.bias ? g.bias + column : nullptr;
    const FloatVec low = load_bias(bias, columns);
    const FloatVec high = load_bias(bias ? bias + kLanes : nullptr, columns - kLanes);
    const float* from = tile;
    uint16_t* c = static_cast<uint16_t*>(g.c) + row * g.c_stride + column;
    for (int64_t r = 0; r < rows; ++r, from += kPanel) {
      const FloatVec first = finish<Epilogue::store>(activate, hn::Load(d, from), low, low, low);
      const FloatVec second =
          finish<Epilogue::store>(activate, hn::Load(d, from + kLanes), high, high, high);
      store_bf16(c + r * g.c_stride, _mm512_cvtne2ps_pbh(second.raw, first.raw), columns);
    }
  }
};

struct WriteGatedBf16Tile : Written {
  template <Activation kActivation>
  HWY_NOINLINE void run() const {
    const Activate<kActivation> activate;
    const float* bias = g.bias ? g.bias + column : nullptr;
    const FloatVec gate_bias = load_bias(bias, columns);
    const FloatVec value_bias = load_bias(bias ? bias + g.n : nullptr, columns);
    const auto mask = static_cast<__mmask16>((1U << columns) - 1);
    uint16_t* c = static_cast<uint16_t*>(g.c) + row * g.c_stride + column;
    for (int64_t r = 0; r < rows; ++r) {
      const FloatVec value = gated(activate, tile + r * kPanel, gate_bias, value_bias);
      _mm256_mask_storeu_epi16(c + r * g.c_stride, mask, rounded(value.raw));
    }
  }
};

// Rows of values(a vector of the rows) as bf16; where the width is odd a zero follows, for the last
// pair.
template <class Values>
HWY_INLINE void write_rounded_rows(const float* rows, int64_t stride, int64_t count, int64_t width,
                                   uint16_t* out, int64_t out_stride, const Values& values) {
  for (int64_t r = 0; r < count; ++r, rows += stride, out += out_stride) {
    for (int64_t j = 0; j < width; j += kLanes) {
      const auto mask = static_cast<__mmask16>((1U << std::min(kLanes, width - j)) - 1);
      const __m512 row = _mm512_maskz_loadu_ps(mask, rows + j);
      _mm256_mask_storeu_epi16(out + j, mask, rounded(values(row)));
    }
    if (width % 2 != 0) out[width] = 0;
  }
}

// No lambdas: clang compiles those without bf16.
struct Itself {
  HWY_INLINE __m512 operator()(__m512 row) const { return row; }
};

struct Rest {
  HWY_INLINE __m512 operator()(__m512 row) const {
    const __m512i nearest = _mm512_slli_epi32(_mm512_cvtepu16_epi32(rounded(row)), 16);
    return _mm512_sub_ps(row, _mm512_castsi512_ps(nearest));
  }
};

void round_to_bf16(const float* rows, int64_t stride, int64_t count, int64_t width, void* out,
                   int64_t out_stride) {
  write_rounded_rows(rows, stride, count, width, static_cast<uint16_t*>(out), out_stride, Itself());
}

void round_rest_to_bf16(const float* rows, int64_t stride, int64_t count, int64_t width, void* out,
                        int64_t out_stride) {
  write_rounded_rows(rows, stride, count, width, static_cast<uint16_t*>(out), out_stride, Rest());
}

struct Bf16 {
  using A = uint16_t;
  using B = uint16_t;
  static constexpr int64_t kDepth = 3072;  // the bytes of F32's

  static int64_t packed_rows(int64_t k) { return (k + 1) / 2 * 2; }

  template <int kRows>
  struct Whole {
    static constexpr auto* function = &multiply_tile_bf16<kRows, 2>;
  };
  template <int kRows>
  struct Half {
    static constexpr auto* function = &multiply_tile_bf16<kRows, 1>;
  };

  static void multiply(const uint16_t* a, int64_t stride, int64_t rows, const uint16_t* panel,
                       int64_t panel_width, int64_t k, float* out, int64_t out_stride) {
    using Function = void (*)(const uint16_t*, int64_t, const uint16_t*, int64_t, float*, int64_t);
    const Function multiply = tile_function<Function, Whole, Half>(rows, panel_width);
    multiply(a, stride, panel, k, out, out_stride);
  }
  static void write(const Written& w) {
    if (w.g.c_dtype == Dtype::f32) return write_tile(w);
    if (w.g.is_gated) return with_activation(w.g.activation, WriteGatedBf16Tile{w});
    with_activation(w.g.activation, WriteBf16Tile{w});
  }
  // Pairs of k lie together: [k / 2][width][2], zeros past k and past `columns`. That is F32's
  // panel of a matrix whose elements are pairs.
  static void pack(const float* rows, int64_t stride, int64_t columns, int64_t width, int64_t k,
                   uint16_t* panel) {
    constexpr int64_t kDepthAtOnce = 128;
    alignas(64) float pairs[kPanel * kDepthAtOnce / 2];
    for (int64_t i = 0; i < k; i += kDepthAtOnce) {
      const int64_t depth = std::min(kDepthAtOnce, k - i);
      round_to_bf16(rows + i, stride, columns, depth, pairs, kDepthAtOnce);
      pack_panel(pairs, kDepthAtOnce / 2, columns, width, packed_rows(depth) / 2,
                 reinterpret_cast<float*>(panel + i * width));
    }
  }
};

// Values of attention in pairs of tokens: panels [k / 2][width][2] of the columns of `rows`.
HWY_INLINE void pack_value_pairs(const float* HWY_RESTRICT rows, int64_t stride, int64_t n,
                                 int64_t k, uint16_t* HWY_RESTRICT panels) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (int64_t column = 0; column < n; column += kPanel) {
    const int64_t width = width_of_panel(n, column / kPanel);
    uint16_t* panel = panels + column * Bf16::packed_rows(k);
    for (int64_t j = 0; j < width; j += kLanes) {
      const int64_t left = std::clamp<int64_t>(n - column - j, 0, kLanes);
      const auto mask = static_cast<__mmask16>((1U << left) - 1);
      for (int64_t i = 0; i < k; i += 2) {
        const float* row = rows + i * stride + column + j;
        const __mmask16 second = i + 1 < k ? mask : __mmask16{0};
        const __m256i even = rounded(_mm512_maskz_loadu_ps(mask, row));
        const __m256i odd = rounded(_mm512_maskz_loadu_ps(second, row + stride));
        const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(even), odd, 1);
        _mm512_store_si512(panel + i * width + 2 * j, _mm512_permutexvar_epi16(order, both));
      }
    }
  }
}

// Writes a tile of weighted sums of values, each row divided by the sum of its weights, as bf16.
HWY_INLINE void write_attended_bf16(const float* HWY_RESTRICT tile, int64_t rows, int64_t columns,
                                    const float* weights, uint16_t* out, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    const __m512 factor = _mm512_set1_ps(1.0F / weights[r]);
    for (int64_t j = 0; j < columns; j += kLanes) {
      const auto mask = static_cast<__mmask16>((1U << std::min(kLanes, columns - j)) - 1);
      const __m512 value = _mm512_mul_ps(_mm512_load_ps(tile + r * kPanel + j), factor);
      _mm256_mask_storeu_epi16(out + r * stride + j, mask, rounded(value));
    }
  }
}

// 2^x for x <= 0, to 8e-5 of the value: a fraction of what rounding to bf16 takes.
HWY_INLINE __m512 coarse_exp2(__m512 x) {
  const __m512 fraction = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  // Minimax on [0, 1].
  __m512 value =
      _mm512_fmadd_ps(_mm512_set1_ps(0.07802452F), fraction, _mm512_set1_ps(0.22606716F));
  value = _mm512_fmadd_ps(value, fraction, _mm512_set1_ps(0.69583354F));
  value = _mm512_fmadd_ps(value, fraction, _mm512_set1_ps(0.99992522F));
  return _mm512_scalef_ps(value, x);
}

// weights = 2^(biased scores - largest) of n columns as bf16, zeros up to a whole vector; returns
// their sum.
HWY_INLINE float softmax_row_bf16(const BiasedScores& row, FloatVec largest, int64_t n,
                                  uint16_t* HWY_RESTRICT weights) {
  __m512 sum = _mm512_setzero_ps();
  int64_t j = 0;
  for (; j + 2 * kLanes <= n; j += 2 * kLanes) {
    const __m512 low = coarse_exp2(row.at(j, largest).raw);
    const __m512 high = coarse_exp2(row.at(j + kLanes, largest).raw);
    sum = _mm512_add_ps(sum, _mm512_add_ps(low, high));
    _mm512_storeu_si512(weights + j, (__m512i)_mm512_cvtne2ps_pbh(high, low));
  }
  for (; j < n; j += kLanes) {
    const auto mask = static_cast<__mmask16>((1U << std::min(kLanes, n - j)) - 1);
    const __m512 value = _mm512_maskz_mov_ps(mask, coarse_exp2(row.at(j, largest).raw));
    sum = _mm512_add_ps(sum, value);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(weights + j), rounded(value));
  }
  return _mm512_reduce_add_ps(sum);
}

// Attention with bf16 inputs of both products; scores and softmax stay in single precision.
struct Bf16Attention {
  using Format = Bf16;

  static void pack_values(const Attention& a, void* panels) {
    pack_value_pairs(a.v, a.v_stride, a.value_width, a.tokens, static_cast<uint16_t*>(panels));
  }
  static Rows<uint16_t> queries(Rows<float> rows, int64_t count, int64_t width, void* space) {
    auto* out = static_cast<uint16_t*>(space);
    const int64_t stride = Bf16::packed_rows(width);
    round_to_bf16(rows.data, rows.stride, count, width, out, stride);
    return {out, stride};
  }
  static Rows<uint16_t> softmax(float* scores, int64_t stride, int64_t rows, const ScoreBias& bias,
                                int64_t tokens, float scale, float* sums, void* space) {
    auto* out = static_cast<uint16_t*>(space);
    const int64_t out_stride = stride % 2048 == 0 ? stride + kPanel : stride;
    FloatVec largest;
    for (int64_t r = 0; r < rows; ++r) {
      const BiasedScores row = bias.biased(scores + r * stride, r, scale, largest);
      sums[r] = softmax_row_bf16(row, largest, tokens, out + r * out_stride);
    }
    return {out, out_stride};
  }
  static void write(const Attention& a, const float* tile, int64_t row, int64_t rows,
                    int64_t column, int64_t columns, const float* sums) {
    uint16_t* out = static_cast<uint16_t*>(a.out) + row * a.out_stride + column;
    write_attended_bf16(tile, rows, columns, sums, out, a.out_stride);
  }
};

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_POP_ATTRIBUTES
#endif  // HWY_AVX3
#endif
