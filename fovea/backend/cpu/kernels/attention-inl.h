// Softmax attention of one head, a tile of queries at a time: scores never leave the first caches.
// Included once for each target.
#if defined(FOVEA_KERNELS_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_ATTENTION_INL_H_
#undef FOVEA_KERNELS_ATTENTION_INL_H_
#else
#define FOVEA_KERNELS_ATTENTION_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>

#include "fovea/backend/cpu/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr float kLog2E = 1.4426950408889634F;

HWY_INLINE int64_t padded_columns(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// Packs `k` rows of n columns as they lie into panels, columns past n zero: values, of which
// attention takes weighted sums.
HWY_INLINE void pack_rows(const float* HWY_RESTRICT rows, int64_t stride, int64_t n, int64_t k,
                          float* HWY_RESTRICT panels) {
  const Floats d;
  for (int64_t column = 0; column < n; column += kPanel) {
    const int64_t width = width_of_panel(n, column / kPanel);
    float* panel = panels + column * k;
    for (int64_t j = 0; j < width; j += kLanes) {
      const auto mask = hn::FirstN(d, static_cast<size_t>(std::max<int64_t>(0, n - column - j)));
      for (int64_t i = 0; i < k; ++i) {
        hn::Store(load_masked(mask, rows + i * stride + column + j), d, panel + i * width + j);
      }
    }
  }
}

// scores * scale + bias - shift, a vector at a time; `bias` may be null.
struct BiasedScores {
  const float* HWY_RESTRICT scores;
  const float* HWY_RESTRICT bias;
  FloatVec scale;

  HWY_INLINE FloatVec at(int64_t j, FloatVec shift) const {
    const Floats d;
    const FloatVec term = bias ? hn::Sub(hn::Load(d, bias + j), shift) : hn::Neg(shift);
    return hn::MulAdd(hn::Load(d, scores + j), scale, term);
  }
};

// The largest of n biased scores, in all lanes.
HWY_INLINE FloatVec largest_of(const BiasedScores& row, int64_t n) {
  const Floats d;
  const FloatVec zero = hn::Zero(d);
  const FloatVec lowest = hn::Set(d, -3.0e38F);
  const int64_t whole = n / kLanes * kLanes;
  FloatVec largest = lowest;
  for (int64_t j = 0; j < whole; j += kLanes) largest = hn::Max(largest, row.at(j, zero));
  if (whole < n) {
    const auto mask = hn::FirstN(d, static_cast<size_t>(n - whole));
    largest = hn::Max(largest, hn::IfThenElse(mask, row.at(whole, zero), lowest));
  }
  return hn::MaxOfLanes(d, largest);
}

// scores = 2^(scores * scale + bias - largest) over n columns, zeros up to a whole vector; returns
// their sum. `bias` may be null.
HWY_INLINE float softmax_row(float* HWY_RESTRICT scores, const float* HWY_RESTRICT bias, int64_t n,
                             float scale) {
  const Floats d;
  const BiasedScores row{scores, bias, hn::Set(d, scale)};
  const FloatVec largest = largest_of(row, n);
  const int64_t whole = n / kLanes * kLanes;
  FloatVec sum = hn::Zero(d);
  for (int64_t j = 0; j < whole; j += kLanes) {
    const FloatVec value = exp2_negative(d, row.at(j, largest));
    hn::Store(value, d, scores + j);
    sum = hn::Add(sum, value);
  }
  if (whole < n) {
    const auto mask = hn::FirstN(d, static_cast<size_t>(n - whole));
    const FloatVec value = hn::IfThenElseZero(mask, exp2_negative(d, row.at(whole, largest)));
    hn::Store(value, d, scores + whole);
    sum = hn::Add(sum, value);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// Writes a tile of weighted sums of values, each row divided by the sum of its weights.
HWY_INLINE void write_attended(const float* HWY_RESTRICT tile, int64_t rows, int64_t columns,
                               const float* weights, float* out, int64_t stride) {
  const Floats d;
  for (int64_t r = 0; r < rows; ++r) {
    const FloatVec factor = hn::Set(d, 1.0F / weights[r]);
    for (int64_t j = 0; j < columns; j += kLanes) {
      const auto mask = hn::FirstN(d, static_cast<size_t>(columns - j));
      const FloatVec value = hn::Mul(hn::Load(d, tile + r * kPanel + j), factor);
      store_masked(value, mask, out + r * stride + j);
    }
  }
}

// Where the parts of one head lie in scratch memory.
struct AttentionScratch {
  void* keys;     // panels of transposed keys
  void* values;   // panels of values
  float* bias;    // log2 of sizes
  float* scores;  // a tile of queries x padded tokens
  void* narrow;   // a tile of queries, then of scores, for formats narrower than float
};

inline AttentionScratch split_scratch(float* scratch, int64_t tokens, int64_t width) {
  AttentionScratch s;
  const int64_t padded = padded_columns(tokens);
  float* values = scratch + padded_columns(padded * width);
  s.keys = scratch;
  s.values = values;
  s.bias = values + tokens * padded_columns(width);
  s.scores = s.bias + padded;
  s.narrow = s.scores + kTileRows * (padded + kLanes);
  return s;
}

// Rows of a matrix of a format's A.
template <class T>
struct Rows {
  const T* data;
  int64_t stride;
};

// Attention in single precision: queries and weights are used where they lie.
struct F32Attention {
  using Format = F32;

  static void pack_values(const Attention& a, void* panels) {
    pack_rows(a.v, a.stride, a.width, a.tokens, static_cast<float*>(panels));
  }
  static Rows<float> queries(const Attention& a, int64_t row, int64_t, void*) {
    return {a.q + row * a.q_stride, a.q_stride};
  }
  // The weights of a tile of queries, not yet divided by their `sums`.
  static Rows<float> softmax(float* scores, int64_t stride, int64_t rows, const float* bias,
                             int64_t tokens, float scale, float* sums, void*) {
    for (int64_t r = 0; r < rows; ++r) {
      sums[r] = softmax_row(scores + r * stride, bias, tokens, scale);
    }
    return {scores, stride};
  }
  static void write(const Attention& a, const float* tile, int64_t row, int64_t rows,
                    int64_t column, int64_t columns, const float* sums) {
    float* out = static_cast<float*>(a.out) + row * a.out_stride + column;
    write_attended(tile, rows, columns, sums, out, a.out_stride);
  }
};

// Kind: F32Attention, or the like for another format.
template <class Kind>
void attention(const Attention& a, int64_t begin, int64_t end, float* scratch) {
  using Format = typename Kind::Format;
  using B = typename Format::B;
  alignas(64) float tile[kTileRows * kPanel];
  const AttentionScratch s = split_scratch(scratch, a.tokens, a.width);
  const int64_t padded = padded_columns(a.tokens);
  const int64_t key_panels = (a.tokens + kPanel - 1) / kPanel;
  pack_panels<Format>(a.k, a.stride, a.tokens, a.width, 0, key_panels, s.keys);
  Kind::pack_values(a, s.values);
  if (a.log_size) {
    for (int64_t j = 0; j < a.tokens; ++j) s.bias[j] = a.log_size[j] * kLog2E;
    std::fill(s.bias + a.tokens, s.bias + padded, 0.0F);
  }
  const float* bias = a.log_size ? s.bias : nullptr;
  const int64_t stride = padded % 1024 == 0 ? padded + kLanes : padded;  // see row_stride
  const float scale = kLog2E / std::sqrt(static_cast<float>(a.width));
  const B* keys = static_cast<const B*>(s.keys);
  const B* values = static_cast<const B*>(s.values);
  for_even_runs(begin, end, kTileRows, [&](int64_t row, int64_t rows) HWY_ATTR {
    const auto queries = Kind::queries(a, row, rows, s.narrow);
    for (int64_t p = 0; p < key_panels; ++p) {
      const B* panel = keys + p * kPanel * Format::packed_rows(a.width);
      Format::multiply(queries.data, queries.stride, rows, panel, width_of_panel(a.tokens, p),
                       a.width, s.scores + p * kPanel, stride);
    }
    float sums[kTileRows];
    const auto weights =
        Kind::softmax(s.scores, stride, rows, bias, a.tokens, scale, sums, s.narrow);
    for (int64_t column = 0; column < a.width; column += kPanel) {
      const B* panel = values + column * Format::packed_rows(a.tokens);
      Format::multiply(weights.data, weights.stride, rows, panel,
                       width_of_panel(a.width, column / kPanel), a.tokens, tile, kPanel);
      Kind::write(a, tile, row, rows, column, std::min(kPanel, a.width - column), sums);
    }
  });
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
