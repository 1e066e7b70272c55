// For every A token its most similar B token: a product of features, and a search along each row of
// it. Included once for each target.
#if defined(FOVEA_KERNELS_MATCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_MATCH_INL_H_
#undef FOVEA_KERNELS_MATCH_INL_H_
#else
#define FOVEA_KERNELS_MATCH_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>

#include "fovea/backend/cpu/kernels/attention-inl.h"
#include "fovea/backend/cpu/kernels/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Best {
  float value;
  int32_t column;
};

// The largest of values[first, n) and its column, the lowest one on ties; the column is `first`
// where all are NaN.
HWY_INLINE Best largest_of(const float* HWY_RESTRICT values, int64_t first, int64_t n) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  const auto begin = hn::Set(di, static_cast<int32_t>(first - 1));
  const auto end = hn::Set(di, static_cast<int32_t>(n));
  const int64_t start = first / kLanes * kLanes;
  FloatVec best = hn::Set(d, -INFINITY);
  auto column = end;
  auto at = hn::Iota(di, static_cast<int32_t>(start));
  for (int64_t j = start; j < n; j += kLanes) {
    const FloatVec value = hn::Load(d, values + j);
    const auto inside = hn::And(hn::Gt(at, begin), hn::Lt(at, end));
    const auto better = hn::And(hn::RebindMask(d, inside), hn::Gt(value, best));
    best = hn::IfThenElse(better, value, best);
    column = hn::IfThenElse(hn::RebindMask(di, better), at, column);
    at = hn::Add(at, hn::Set(di, static_cast<int32_t>(kLanes)));
  }
  alignas(64) float value_of_lane[kLanes];
  alignas(64) int32_t column_of_lane[kLanes];
  hn::Store(best, d, value_of_lane);
  hn::Store(column, di, column_of_lane);
  Best result{-INFINITY, static_cast<int32_t>(first)};
  for (int64_t i = 0; i < kLanes; ++i) {
    const Best lane{value_of_lane[i], column_of_lane[i]};
    const bool earlier = lane.value == result.value && lane.column < result.column;
    if (lane.column < n && (lane.value > result.value || earlier)) result = lane;
  }
  return result;
}

HWY_INLINE float squared_norm(const float* x, int64_t width) {
  const Floats d;
  FloatVec squares = hn::Zero(d);
  for_vectors(width, [&](int64_t j, auto mask, auto whole) HWY_ATTR {
    const FloatVec v = load_part(x + j, mask, whole);
    squares = hn::MulAdd(v, v, squares);
  });
  return total(squares);
}

// Share of the best score in the softmax over all columns: 1 / sum of e^(score - best).
inline float softmax_share(const float* scores, int64_t n, float best) {
  double sum = 0;
  for (int64_t j = 0; j < n; ++j) sum += std::exp(static_cast<double>(scores[j]) - best);
  return static_cast<float>(1.0 / sum);
}

// scores[j] = (scores[j] - 1) * factors[j] for j in [first, n).
HWY_INLINE void weigh(float* HWY_RESTRICT scores, const float* HWY_RESTRICT factors, int64_t first,
                      int64_t n) {
  const Floats d;
  const FloatVec one = hn::Set(d, 1.0F);
  const int64_t start = first / kLanes * kLanes;
  for_vectors(n - start, [&](int64_t j, auto mask, auto whole) HWY_ATTR {
    const FloatVec factor = load_part(factors + start + j, mask, whole);
    const FloatVec less = hn::Sub(load_part(scores + start + j, mask, whole), one);
    store_part(hn::Mul(less, factor), scores + start + j, mask, whole);
  });
}

void match(const Match& m, float* scratch) {
  const int64_t padded = padded_columns(m.columns);
  const int64_t panels = (m.columns + kPanel - 1) / kPanel;
  float* scores = scratch;
  float* packed = scores + kTileRows * padded;
  float* norms = packed + padded * m.width;
  pack_panels<F32>(m.b, m.width, m.columns, m.width, 0, panels, packed);
  const bool euclidean = m.similarity == Similarity::euclidean;
  for (int64_t j = 0; euclidean && j < m.columns; ++j)
    norms[j] = squared_norm(m.b + j * m.width, m.width);
  for_even_runs(0, m.rows, kTileRows, [&](int64_t row, int64_t rows) HWY_ATTR {
    // What no row of the tile may go to is not computed.
    const int64_t first_panel = m.allowed ? m.allowed[row] / kPanel : 0;
    for (int64_t p = first_panel; p < panels; ++p) {
      F32::multiply(m.a + row * m.width, m.width, rows, packed + p * kPanel * m.width,
                    width_of_panel(m.columns, p), m.width, scores + p * kPanel, padded);
    }
    for (int64_t r = 0; r < rows; ++r) {
      float* line = scores + r * padded;
      for (int64_t j = 0; euclidean && j < m.columns; ++j) line[j] = 2 * line[j] - norms[j];
      const int64_t first = m.allowed ? m.allowed[row + r] : m.first_allowed;
      if (m.factors) weigh(line, m.factors[row + r], first, m.columns);
      Best best = largest_of(line, first, m.columns);
      if (euclidean) {
        const float squared = squared_norm(m.a + (row + r) * m.width, m.width) - best.value;
        best.value = -std::sqrt(std::max(squared, 0.0F));  // NaN stays NaN
      } else if (m.similarity == Similarity::softmax) {
        best.value = softmax_share(line, m.columns, best.value);
      }
      m.best[row + r] = std::isnan(best.value) ? -INFINITY : best.value;
      m.best_column[row + r] = best.column;
    }
  });
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
