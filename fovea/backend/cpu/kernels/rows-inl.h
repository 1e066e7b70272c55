// Kernels that work row by row: LayerNorm, RMSNorm, activations, normalising, weighted sums and
// maxima of rows. Included once for each target.
#if defined(FOVEA_KERNELS_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_ROWS_INL_H_
#undef FOVEA_KERNELS_ROWS_INL_H_
#else
#define FOVEA_KERNELS_ROWS_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>

#include "fovea/backend/cpu/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls visit(j, mask, whole) for every vector of [0, n); `whole` where the mask is all true.
template <class Visit>
HWY_INLINE void for_vectors(int64_t n, const Visit& visit) {
  const Floats d;
  const int64_t whole = n / kLanes * kLanes;
  const auto all = hn::FirstN(d, static_cast<size_t>(kLanes));
  for (int64_t j = 0; j < whole; j += kLanes) visit(j, all, std::true_type());
  if (whole < n) visit(whole, hn::FirstN(d, static_cast<size_t>(n - whole)), std::false_type());
}

template <class Mask, class Whole>
HWY_INLINE FloatVec load_part(const float* p, Mask mask, Whole) {
  if constexpr (Whole::value) return hn::LoadU(Floats(), p);
  return load_masked(mask, p);
}

template <class Mask, class Whole>
HWY_INLINE void store_part(FloatVec value, float* p, Mask mask, Whole) {
  if constexpr (Whole::value) {
    hn::StoreU(value, Floats(), p);
  } else {
    store_masked(value, mask, p);
  }
}

HWY_INLINE float total(FloatVec v) { return hn::GetLane(hn::SumOfLanes(Floats(), v)); }

void layer_norm(const float* x, int64_t stride, int64_t rows, int64_t width, const float* gamma,
                const float* beta, float eps, float* out, int64_t out_stride) {
  const Floats d;
  const float share = 1.0F / static_cast<float>(width);
  for (int64_t r = 0; r < rows; ++r, x += stride, out += out_stride) {
    FloatVec sum = hn::Zero(d);
    for_vectors(width, [&](int64_t j, auto mask, auto whole)
                           HWY_ATTR { sum = hn::Add(sum, load_part(x + j, mask, whole)); });
    const FloatVec mean = hn::Set(d, total(sum) * share);
    FloatVec squares = hn::Zero(d);
    for_vectors(width, [&](int64_t j, auto mask, auto whole) HWY_ATTR {
      FloatVec centred = hn::Sub(load_part(x + j, mask, whole), mean);
      if constexpr (!decltype(whole)::value) centred = hn::IfThenElseZero(mask, centred);
      squares = hn::MulAdd(centred, centred, squares);
    });
    const FloatVec factor = hn::Set(d, 1.0F / std::sqrt(total(squares) * share + eps));
    for_vectors(width, [&](int64_t j, auto mask, auto whole) HWY_ATTR {
      const FloatVec centred = hn::Mul(hn::Sub(load_part(x + j, mask, whole), mean), factor);
      store_part(
          hn::MulAdd(centred, load_part(gamma + j, mask, whole), load_part(beta + j, mask, whole)),
          out + j, mask, whole);
    });
  }
}

void rms_norm(const float* x, int64_t stride, int64_t rows, int64_t width, const float* gamma,
              float eps, float* out, int64_t out_stride) {
  const Floats d;
  const float share = 1.0F / static_cast<float>(width);
  for (int64_t r = 0; r < rows; ++r, x += stride, out += out_stride) {
    FloatVec squares = hn::Zero(d);
    for_vectors(width, [&](int64_t j, auto mask, auto whole) HWY_ATTR {
      const FloatVec v = load_part(x + j, mask, whole);
      squares = hn::MulAdd(v, v, squares);
    });
    const FloatVec factor = hn::Set(d, 1.0F / std::sqrt(total(squares) * share + eps));
    for_vectors(width, [&](int64_t j, auto mask, auto whole) HWY_ATTR {
      const FloatVec scaled = hn::Mul(load_part(x + j, mask, whole), factor);
      store_part(hn::Mul(scaled, load_part(gamma + j, mask, whole)), out + j, mask, whole);
    });
  }
}

struct ActivateRows {
  float* x;
  int64_t stride, rows, width;

  template <Activation kActivation>
  HWY_NOINLINE void run() const {
    const Activate<kActivation> activate;
    float* row = x;
    for (int64_t r = 0; r < rows; ++r, row += stride) {
      for_vectors(width, [&](int64_t j, auto mask, auto whole) HWY_ATTR {
        store_part(activate(load_part(row + j, mask, whole)), row + j, mask, whole);
      });
    }
  }
};

void activate(float* x, int64_t stride, int64_t rows, int64_t width, Activation activation) {
  with_activation(activation, ActivateRows{x, stride, rows, width});
}

void normalize(float* x, int64_t rows, int64_t width) {
  const Floats d;
  for (int64_t r = 0; r < rows; ++r, x += width) {
    FloatVec squares = hn::Zero(d);
    for_vectors(width, [&](int64_t j, auto mask, auto whole) HWY_ATTR {
      const FloatVec v = load_part(x + j, mask, whole);
      squares = hn::MulAdd(v, v, squares);
    });
    const FloatVec norm = hn::Set(d, std::sqrt(total(squares)));
    for_vectors(width, [&](int64_t j, auto mask, auto whole) HWY_ATTR {
      store_part(hn::Div(load_part(x + j, mask, whole), norm), x + j, mask, whole);
    });
  }
}

void weighted_sum(const float* const* rows, const float* factors, int64_t count, int64_t width,
                  float scale, float* out) {
  const Floats d;
  for_vectors(width, [&](int64_t j, auto mask, auto whole) HWY_ATTR {
    FloatVec sum = hn::Zero(d);
    for (int64_t i = 0; i < count; ++i) {
      sum = hn::MulAdd(hn::Set(d, factors[i]), load_part(rows[i] + j, mask, whole), sum);
    }
    store_part(hn::Mul(sum, hn::Set(d, scale)), out + j, mask, whole);
  });
}

void maximum(const float* const* rows, int64_t count, int64_t width, float* out) {
  for_vectors(width, [&](int64_t j, auto mask, auto whole) HWY_ATTR {
    FloatVec largest = load_part(rows[0] + j, mask, whole);
    for (int64_t i = 1; i < count; ++i)
      largest = hn::Max(largest, load_part(rows[i] + j, mask, whole));
    store_part(largest, out + j, mask, whole);
  });
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
