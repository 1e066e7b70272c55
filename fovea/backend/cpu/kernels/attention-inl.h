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
#include "fovea/backend/cpu/kernels/scores-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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

// scores = 2^(biased scores - largest) over n columns, zeros up to a whole vector; returns their
// sum.
HWY_INLINE float softmax_row(const BiasedScores& row, FloatVec largest, int64_t n,
                             float* HWY_RESTRICT scores) {
  const Floats d;
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
  void* keys;       // panels of transposed keys
  void* values;     // panels of values
  float* bias;      // log2 of sizes
  float* row_bias;  // that and the relative bias of one query, and a vector behind it
  float* scores;    // a tile of queries x padded tokens
  float* turned;    // a panel of keys, then a tile of queries, turned
  float* axes;      // what each of a tile of queries adds by rows and columns
  void* inputs;     // a tile of queries, then of weights, in the format that is multiplied
};

inline AttentionScratch split_scratch(float* scratch, const Attention& a) {
  AttentionScratch s;
  const int64_t padded = padded_columns(a.tokens);
  float* values = scratch + padded_columns(padded * a.width);
  s.keys = scratch;
  s.values = values;
  s.bias = values + a.tokens * padded_columns(a.value_width);
  s.row_bias = s.bias + padded;
  s.scores = s.row_bias + padded + kLanes;
  s.turned = s.scores + kTileRows * (padded + kLanes);
  s.axes = s.turned + padded_columns(std::max(kPanel, kTileRows) * a.width);
  s.inputs = s.axes + kTileRows * axes_stride(a);
  return s;
}

// Rows of a matrix of a format's A.
template <class T>
struct Rows {
  const T* data;
  int64_t stride;
};

// One row turned, channels [0, width).
HWY_INLINE void turn_row(const float* HWY_RESTRICT x, int64_t width, const float* HWY_RESTRICT cos,
                         const float* HWY_RESTRICT sin, bool in_halves, float* HWY_RESTRICT out) {
  const int64_t half = width / 2;
  if (in_halves) {
    for (int64_t i = 0; i < half; ++i) {
      out[i] = x[i] * cos[i] - x[i + half] * sin[i];
      out[i + half] = x[i + half] * cos[i] + x[i] * sin[i];
    }
  } else {
    for (int64_t i = 0; i < half; ++i) {
      out[2 * i] = x[2 * i] * cos[i] - x[2 * i + 1] * sin[i];
      out[2 * i + 1] = x[2 * i + 1] * cos[i] + x[2 * i] * sin[i];
    }
  }
}

void rotate(const float* x, int64_t stride, int64_t rows, int64_t width, const Turn& turn,
            float* out, int64_t out_stride) {
  for (int64_t r = 0; r < rows; ++r) {
    turn_row(x + r * stride, width, turn.cos + r * turn.stride, turn.sin + r * turn.stride,
             turn.in_halves, out + r * out_stride);
  }
}

// Packs the keys, turned where they are to be.
template <class Format>
HWY_INLINE void pack_keys(const Attention& a, const AttentionScratch& s) {
  const int64_t panels = (a.tokens + kPanel - 1) / kPanel;
  if (!a.turn.cos) {
    return pack_panels<Format>(a.k, a.k_stride, a.tokens, a.width, 0, panels, s.keys);
  }
  auto* keys = static_cast<typename Format::B*>(s.keys);
  for (int64_t first = 0; first < a.tokens; first += kPanel) {
    const int64_t count = std::min(kPanel, a.tokens - first);
    Turn turn = a.turn;
    turn.cos += first * turn.stride;
    turn.sin += first * turn.stride;
    rotate(a.k + first * a.k_stride, a.k_stride, count, a.width, turn, s.turned, a.width);
    pack_panels<Format>(s.turned, a.width, count, a.width, 0, 1,
                        keys + first * Format::packed_rows(a.width));
  }
}

// Some queries, turned where they are to be.
HWY_INLINE Rows<float> queries_of(const Attention& a, int64_t row, int64_t rows, float* turned) {
  const float* q = a.q + row * a.q_stride;
  if (!a.turn.cos) return {q, a.q_stride};
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t by = token_of(a, row + r) * a.turn.stride;
    turn_row(q + r * a.q_stride, a.width, a.turn.cos + by, a.turn.sin + by, a.turn.in_halves,
             turned + r * a.width);
  }
  return {turned, a.width};
}

// Attention in single precision: queries and weights are used where they lie.
struct F32Attention {
  using Format = F32;

  static void pack_values(const Attention& a, void* panels) {
    pack_rows(a.v, a.v_stride, a.value_width, a.tokens, static_cast<float*>(panels));
  }
  static Rows<float> queries(Rows<float> rows, int64_t, int64_t, void*) { return rows; }
  // The weights of a tile of queries, not yet divided by their `sums`.
  static Rows<float> softmax(float* scores, int64_t stride, int64_t rows, const ScoreBias& bias,
                             int64_t tokens, float scale, float* sums, void*) {
    FloatVec largest;
    for (int64_t r = 0; r < rows; ++r) {
      float* of_query = scores + r * stride;
      const BiasedScores row = bias.biased(of_query, r, scale, largest);
      sums[r] = softmax_row(row, largest, tokens, of_query);
    }
    return {scores, stride};
  }
  static void write(const Attention& a, const float* tile, int64_t row, int64_t rows,
                    int64_t column, int64_t columns, const float* sums) {
    float* out = static_cast<float*>(a.out) + row * a.out_stride + column;
    write_attended(tile, rows, columns, sums, out, a.out_stride);
  }
};

// What a tile of queries adds by rows and columns.
template <class Format, class A>
HWY_INLINE void multiply_tables(const Attention& a, const Rows<A>& queries, int64_t rows,
                                float* axes) {
  const int64_t entries = a.decomposed.entries();
  const auto* tables = static_cast<const typename Format::B*>(a.decomposed.tables);
  for (int64_t p = 0; p * kPanel < entries; ++p) {
    Format::multiply(queries.data, queries.stride, rows,
                     tables + p * kPanel * Format::packed_rows(a.width), width_of_panel(entries, p),
                     a.width, axes + p * kPanel, axes_stride(a));
  }
}

// Kind: F32Attention, or the like for another format.
template <class Kind>
void attention(const Attention& a, int64_t begin, int64_t end, float* scratch) {
  using Format = typename Kind::Format;
  using B = typename Format::B;
  alignas(64) float tile[kTileRows * kPanel];
  const AttentionScratch s = split_scratch(scratch, a);
  const int64_t padded = padded_columns(a.tokens);
  const int64_t key_panels = (a.tokens + kPanel - 1) / kPanel;
  pack_keys<Format>(a, s);
  Kind::pack_values(a, s.values);
  if (a.log_size) {
    const int64_t sized = a.tokens - (a.decomposed.side > 0 ? 1 : 0);
    for (int64_t j = 0; j < sized; ++j) s.bias[j] = a.log_size[j] * kLog2E;
    std::fill(s.bias + sized, s.bias + padded, 0.0F);
  }
  const float* sizes = a.log_size ? s.bias : nullptr;
  const int64_t stride = padded % 1024 == 0 ? padded + kLanes : padded;  // see row_stride
  const B* keys = static_cast<const B*>(s.keys);
  const B* values = static_cast<const B*>(s.values);
  for_even_runs(begin, end, kTileRows, [&](int64_t row, int64_t rows) HWY_ATTR {
    const auto queries = Kind::queries(queries_of(a, row, rows, s.turned), rows, a.width, s.inputs);
    for (int64_t p = 0; p < key_panels; ++p) {
      const B* panel = keys + p * kPanel * Format::packed_rows(a.width);
      Format::multiply(queries.data, queries.stride, rows, panel, width_of_panel(a.tokens, p),
                       a.width, s.scores + p * kPanel, stride);
    }
    if (a.decomposed.tables) multiply_tables<Format>(a, queries, rows, s.axes);
    float sums[kTileRows];
    const ScoreBias bias{a, sizes, s.row_bias, row, s.axes};
    const auto weights =
        Kind::softmax(s.scores, stride, rows, bias, a.tokens, a.scale, sums, s.inputs);
    for (int64_t column = 0; column < a.value_width; column += kPanel) {
      const B* panel = values + column * Format::packed_rows(a.tokens);
      Format::multiply(weights.data, weights.stride, rows, panel,
                       width_of_panel(a.value_width, column / kPanel), a.tokens, tile, kPanel);
      Kind::write(a, tile, row, rows, column, std::min(kPanel, a.value_width - column), sums);
    }
  });
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
