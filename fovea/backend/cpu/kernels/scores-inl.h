// What is added to the scores of attention, as softmax reads them: sizes, and biases by relative
// position. Included once for each target.
#if defined(FOVEA_KERNELS_SCORES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_SCORES_INL_H_
#undef FOVEA_KERNELS_SCORES_INL_H_
#else
#define FOVEA_KERNELS_SCORES_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "fovea/backend/cpu/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr float kLog2E = 1.4426950408889634F;

HWY_INLINE int64_t padded_columns(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

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

// Distance between the rows of AttentionScratch::axes. Runs are read in whole vectors.
inline int64_t axes_stride(const Attention& a) {
  return padded_columns(a.decomposed.entries()) + kLanes;
}

HWY_INLINE int64_t token_of(const Attention& a, int64_t query) {
  return a.asking ? a.asking[query] : query;
}

// The logarithm to base 2 of the sum over a window's padded cells of 2^(by_row[y] + by_column[x]).
inline float log2_of_padding(const float* by_row, const float* by_column,
                             const DecomposedBias& bias) {
  const float highest_row = *std::max_element(by_row, by_row + bias.side);
  const float highest_column = *std::max_element(by_column, by_column + bias.side);
  float real_rows = 0;
  float padded_rows = 0;
  float all_columns = 0;
  float padded_columns = 0;
  for (int32_t i = 0; i < bias.side; ++i) {
    const float row = std::exp2(by_row[i] - highest_row);
    const float column = std::exp2(by_column[i] - highest_column);
    (i < bias.real_rows ? real_rows : padded_rows) += row;
    all_columns += column;
    if (i >= bias.real_columns) padded_columns += column;
  }
  return highest_row + highest_column +
         std::log2(padded_rows * all_columns + real_rows * padded_columns);
}

// The first `extent` entries of a table, by their numbers.
#if HWY_TARGET == HWY_AVX3
class Entries {
 public:
  HWY_INLINE Entries(const float* table, int32_t extent) : table_(table), extent_(extent) {
    for (int32_t i = 0; i < kRegisters; ++i) {
      const int32_t left = std::clamp<int32_t>(extent - i * kLanes, 0, kLanes);
      const auto mask = static_cast<__mmask16>((1U << left) - 1);
      parts_[i] = _mm512_maskz_loadu_ps(mask, table + i * kLanes);
    }
  }

  // In registers, where these hold all.
  HWY_INLINE FloatVec at(const int32_t* numbers) const {
    const __m512i index = _mm512_loadu_si512(numbers);
    if (extent_ > kRegisters * kLanes) return FloatVec{_mm512_i32gather_ps(index, table_, 4)};
    const __m512 first = _mm512_permutex2var_ps(parts_[0], index, parts_[1]);
    if (extent_ <= 2 * kLanes) return FloatVec{first};
    const __m512 second = _mm512_permutex2var_ps(parts_[2], index, parts_[3]);
    const __mmask16 is_second = _mm512_cmpge_epi32_mask(index, _mm512_set1_epi32(2 * kLanes));
    return FloatVec{_mm512_mask_blend_ps(is_second, first, second)};
  }

 private:
  static constexpr int32_t kRegisters = 4;

  const float* table_;
  int32_t extent_;
  __m512 parts_[kRegisters];
};
#else
class Entries {
 public:
  HWY_INLINE Entries(const float* table, int32_t /*extent*/) : table_(table) {}

  HWY_INLINE FloatVec at(const int32_t* numbers) const {
    const auto index = hn::LoadU(hn::RebindToSigned<Floats>(), numbers);
    return hn::GatherIndex(Floats(), table_, index);
  }

 private:
  const float* table_;
};
#endif

// What is added to the scores of each query of a tile, in powers of two.
struct ScoreBias {
  const Attention& a;
  const float* sizes;       // null: nothing
  float* HWY_RESTRICT own;  // of one query
  int64_t row;              // the tile's first query
  float* axes;              // of DecomposedBias

  // Of query r of the tile, whose scores these are: they, biased, and the largest.
  HWY_INLINE BiasedScores biased(float* scores, int64_t r, float scale, FloatVec& largest) const {
    const Floats d;
    if (a.decomposed.grid_columns > 0) {
      largest = add_grid(scores, r, scale);
      return {scores, nullptr, hn::Set(d, 1.0F)};
    }
    const BiasedScores biased{scores, of(r), hn::Set(d, scale)};
    largest = largest_of(biased, a.tokens);
    return biased;
  }

 private:
  // May be null; holds until asked for another.
  HWY_INLINE const float* of(int64_t r) const {
    if (a.decomposed.tables) return decomposed(r);
    return a.relative.table ? relative(r) : sizes;
  }

  // What a query adds by rows and by columns, at row 0 and column 0.
  struct Axes {
    const float* by_row;
    const float* by_column;
  };
  HWY_INLINE Axes axes_of(int64_t r) const {
    const Floats d;
    const DecomposedBias& bias = a.decomposed;
    float* HWY_RESTRICT query = axes + r * axes_stride(a);
    for (int64_t i = 0; i < bias.entries(); i += kLanes) {
      hn::Store(hn::Mul(hn::Load(d, query + i), hn::Set(d, kLog2E)), d, query + i);
    }
    const int64_t token = token_of(a, row + r);
    return {query + bias.rows / 2 - bias.y[token],
            query + bias.rows + bias.columns / 2 - bias.x[token]};
  }

  // Scores of all cells of a grid, with their biases added in place; the largest.
  HWY_INLINE FloatVec add_grid(float* HWY_RESTRICT scores, int64_t r, float scale) const {
    const Floats d;
    const Axes at = axes_of(r);
    const int64_t columns = a.decomposed.grid_columns;
    FloatVec largest = hn::Set(d, -3.0e38F);
    for (int64_t y = 0; y * columns < a.tokens; ++y) {
      const FloatVec by_row = hn::Set(d, at.by_row[y]);
      float* HWY_RESTRICT of_row = scores + y * columns;
      for (int64_t x = 0; x < columns; x += kLanes) {
        const FloatVec bias = hn::Add(hn::LoadU(d, at.by_column + x), by_row);
        const FloatVec score = hn::MulAdd(hn::Load(d, of_row + x), hn::Set(d, scale), bias);
        largest = hn::Max(largest, score);
        hn::Store(score, d, of_row + x);
      }
    }
    return hn::MaxOfLanes(d, largest);
  }

  HWY_INLINE const float* decomposed(int64_t r) const {
    const DecomposedBias& bias = a.decomposed;
    const Axes at = axes_of(r);
    if (bias.runs) {
      add_runs(at);
    } else {
      look_up(at);
    }
    if (bias.side > 0) own[a.tokens - 1] = log2_of_padding(at.by_row, at.by_column, bias);
    for (int64_t i = 0; sizes && i < a.tokens; ++i) own[i] += sizes[i];
    std::fill(own + a.tokens, own + padded_columns(a.tokens), 0.0F);
    return own;
  }

  HWY_INLINE void add_runs(const Axes& at) const {
    const Floats d;
    for (int32_t k = 0; k < a.decomposed.run_count; ++k) {
      const KeyRun& run = a.decomposed.runs[k];
      const FloatVec by_row = hn::Set(d, at.by_row[run.y]);
      for (int32_t i = 0; i < run.count; i += kLanes) {
        // What is stored past the run belongs to the next one, or to nobody.
        const FloatVec by_column = hn::LoadU(d, at.by_column + run.x + i);
        hn::StoreU(hn::Add(by_column, by_row), d, own + run.first + i);
      }
    }
  }

  HWY_INLINE void look_up(const Axes& at) const {
    const Floats d;
    const DecomposedBias& bias = a.decomposed;
    const Entries by_row(at.by_row, bias.rows / 2 + 1);
    const Entries by_column(at.by_column, bias.columns / 2 + 1);
    const int64_t keys = a.tokens - (bias.side > 0 ? 1 : 0);
    int64_t j = 0;
    for (; j + kLanes <= keys; j += kLanes) {
      hn::Store(hn::Add(by_row.at(bias.y + j), by_column.at(bias.x + j)), d, own + j);
    }
    for (; j < keys; ++j) own[j] = at.by_row[bias.y[j]] + at.by_column[bias.x[j]];
  }

  HWY_INLINE const float* relative(int64_t r) const {
    const RelativeBias& relative = a.relative;
    const float* HWY_RESTRICT last = relative.table + relative.entries - 3;
    const int32_t* HWY_RESTRICT place = relative.place;
    const int32_t from = place[token_of(a, row + r)];
    const bool is_class = from < 0;
    int64_t j = 0;
    for (; j < a.tokens && place[j] < 0; ++j) own[j] = last[is_class ? 2 : 1];
    const float* HWY_RESTRICT table = relative.table + relative.offset + from;
    for (; is_class && j < a.tokens; ++j) own[j] = last[0];
    for (; j < a.tokens; ++j) own[j] = table[-place[j]];
    for (int64_t i = 0; i < a.tokens; ++i) own[i] *= kLog2E;
    for (int64_t i = 0; sizes && i < a.tokens; ++i) own[i] += sizes[i];
    std::fill(own + a.tokens, own + padded_columns(a.tokens), 0.0F);
    return own;
  }
};

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
