// Exponential and activations on SIMD registers as short polynomials. Included once for each
// target.
#if defined(FOVEA_KERNELS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_MATH_INL_H_
#undef FOVEA_KERNELS_MATH_INL_H_
#else
#define FOVEA_KERNELS_MATH_INL_H_
#endif

#include <hwy/highway.h>

#include <type_traits>

#include "fovea/backend/cpu/kernels/gelu_table.h"
#include "fovea/backend/kinds.h"

#if HWY_TARGET == HWY_AVX3
#include <immintrin.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace fovea::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// c[0] + x (c[1] + x (c[2] + ...)), the coefficients in ascending order.
template <class D, class V = hn::Vec<D>, size_t kCount>
HWY_INLINE V polynomial(D d, V x, const float (&c)[kCount]) {
  V sum = hn::Set(d, c[kCount - 1]);
  for (size_t i = kCount - 1; i-- > 0;) sum = hn::MulAdd(sum, x, hn::Set(d, c[i]));
  return sum;
}

// 2^x for x <= 0, to 2.5e-7 of the value; 0 (below 2^-125) for anything smaller than -126.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2_negative(D d, V x) {
  // Minimax on [-1/2, 1/2].
  static constexpr float kCoefficients[] = {1.0000001F,   0.69314694F,  0.2402212F,
                                            0.055507135F, 0.009675541F, 0.0013276469F};
  const hn::RebindToSigned<D> di;
  const V magic = hn::Set(d, 12582912.0F);  // 1.5 * 2^23: adding it rounds to a whole number
  x = hn::Max(x, hn::Set(d, -126.0F));
  const V shifted = hn::Add(x, magic);
  const V fraction = hn::Sub(x, hn::Sub(shifted, magic));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
  return hn::BitCast(d, hn::Add(hn::BitCast(di, polynomial(d, fraction, kCoefficients)), exponent));
}

#if HWY_TARGET == HWY_AVX3

// x Phi(x) = max(x, 0) - |x| (1 - Phi(|x|)), the tail looked up in two registers for every power.
class Gelu {
 public:
  HWY_INLINE Gelu() {
    const GeluTable& table = gelu_table();
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      low_[j] = _mm512_load_ps(table.coefficient[j].data());
      high_[j] = _mm512_load_ps(table.coefficient[j].data() + 16);
    }
  }

  template <class V>
  HWY_INLINE V operator()(V x) const {
    const __m512 magic = _mm512_set1_ps(12582912.0F);  // 1.5 * 2^23: adding it rounds
    const __m512 steps = _mm512_set1_ps(1.0F / kGeluStep);
    const __m512 t = _mm512_min_ps(_mm512_abs_ps(x.raw), _mm512_set1_ps(kGeluLimit));
    const __m512 shifted = _mm512_fmadd_ps(t, steps, magic);
    const __m512 f = _mm512_fmsub_ps(t, steps, _mm512_sub_ps(shifted, magic));
    const __m512i piece = _mm512_castps_si512(shifted);  // its low five bits
    const auto coefficient = [&](int j) HWY_ATTR {
      return _mm512_permutex2var_ps(low_[j], piece, high_[j]);
    };
    __m512 tail = _mm512_fmadd_ps(coefficient(3), f, coefficient(2));
    tail = _mm512_fmadd_ps(tail, f, coefficient(1));
    tail = _mm512_fmadd_ps(tail, f, coefficient(0));
    // In this order NaN stays NaN.
    return V{_mm512_fnmadd_ps(t, tail, _mm512_max_ps(_mm512_setzero_ps(), x.raw))};
  }

 private:
  __m512 low_[4], high_[4];
};

#else

// x Phi(x) with erf to 2e-7: erf(x / sqrt 2) = x P(x^2) on |x| <= 5.2, P a minimax polynomial in 2
// x^2 / 5.2^2 - 1.
struct Gelu {
  template <class V>
  HWY_INLINE V operator()(V x) const {
    static constexpr float kCoefficients[] = {
        0.27189997F,  -0.13548762F,   0.10005222F,   -0.07985079F,   0.06392465F,
        -0.0495269F,  0.036267847F,   -0.024706716F, 0.01602017F,    -0.010134741F,
        0.005324899F, -0.0019570272F, 0.0012015085F, -0.0011245821F, 0.000404783F};
    const hn::DFromV<V> d;
    const V limit = hn::Set(d, kGeluLimit);
    const V z = hn::Max(hn::Min(x, limit), hn::Neg(limit));
    const V w = hn::MulAdd(hn::Mul(z, z), hn::Set(d, 0.073964497F), hn::Set(d, -1.0F));
    const V erf = hn::Mul(z, polynomial(d, w, kCoefficients));
    const V half = hn::Mul(x, hn::Set(d, 0.5F));
    return hn::MulAdd(half, erf, half);
  }
};

#endif

// x / (1 + e^-z)
template <class V>
HWY_INLINE V times_sigmoid(V x, V z) {
  const hn::DFromV<V> d;
  const V one = hn::Set(d, 1.0F);
  const V power = exp2_negative(d, hn::Mul(hn::Abs(z), hn::Set(d, -1.4426950408889634F)));
  const V over = hn::IfThenElse(hn::Ge(z, hn::Zero(d)), one, power);
  return hn::Mul(x, hn::Div(over, hn::Add(one, power)));
}

// Any other activation.
template <Activation kActivation>
struct ActivateSimply {
  template <class V>
  HWY_INLINE V operator()(V x) const {
    const hn::DFromV<V> d;
    if constexpr (kActivation == Activation::gelu_tanh) {
      // 1 + tanh(u) = 2 sigmoid(2 u)
      const V cubic = hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.0713548163F), hn::Set(d, 1.59576912F));
      return times_sigmoid(x, hn::Mul(x, cubic));
    }
    if constexpr (kActivation == Activation::quick_gelu)
      return times_sigmoid(x, hn::Mul(x, hn::Set(d, 1.702F)));
    if constexpr (kActivation == Activation::silu) return times_sigmoid(x, x);
    if constexpr (kActivation == Activation::relu) return hn::Max(x, hn::Zero(d));
    return x;
  }
};

// An activation as a function of vectors.
template <Activation kActivation>
using Activate =
    std::conditional_t<kActivation == Activation::gelu, Gelu, ActivateSimply<kActivation>>;

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
