// The register tile of a product: how large it is, and how it is finished and written. Included
// once for each target.
#if defined(FOVEA_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_TILE_INL_H_
#undef FOVEA_KERNELS_TILE_INL_H_
#else
#define FOVEA_KERNELS_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "fovea/backend/cpu/kernels/kernels.h"
#include "fovea/backend/cpu/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using FloatVec = hn::Vec<Floats>;

#if HWY_TARGET == HWY_AVX3
inline constexpr int64_t kTileRows = 14;  // 28 accumulators, 2 vectors of B, 1 of A in 32 registers
#elif HWY_TARGET == HWY_NEON
inline constexpr int64_t kTileRows = 8;  // 16: the compiler keeps many of A in the 32 registers
#else
inline constexpr int64_t kTileRows = 6;  // 12 + 2 + 1 in 16 registers
#endif
inline constexpr int64_t kLanes = hn::MaxLanes(Floats());
static_assert(HWY_HAVE_SCALABLE == 0, "kLanes must be known to the compiler");
inline constexpr int64_t kPanel = 2 * kLanes;

// Finishes one vector of columns of a row: bias, then the epilogue.
template <Epilogue kEpilogue, class Function>
HWY_INLINE FloatVec finish(const Function& activate, FloatVec value, FloatVec bias, FloatVec scale,
                           FloatVec old) {
  value = hn::Add(value, bias);
  if constexpr (kEpilogue == Epilogue::residual) return hn::MulAdd(scale, value, old);
  if constexpr (kEpilogue == Epilogue::add) value = hn::Add(value, old);
  return activate(value);
}

// The lanes of a mask, which are the first ones, and nothing behind them. Where there are no masked
// loads and stores, Highway reads what lies behind and writes it back, over what another thread may
// have written there meanwhile.
template <class Mask>
HWY_INLINE FloatVec load_masked(Mask mask, const float* p) {
  const Floats d;
#if HWY_TARGET == HWY_NEON
  alignas(16) float lanes[kLanes] = {};
  std::copy_n(p, hn::CountTrue(d, mask), lanes);
  return hn::Load(d, lanes);
#else
  return hn::MaskedLoad(mask, d, p);
#endif
}

template <class Mask>
HWY_INLINE void store_masked(FloatVec value, Mask mask, float* p) {
  const Floats d;
#if HWY_TARGET == HWY_NEON
  alignas(16) float lanes[kLanes];
  hn::Store(value, d, lanes);
  std::copy_n(lanes, hn::CountTrue(d, mask), p);
#else
  hn::BlendedStore(value, mask, d, p);
#endif
}

// Applies the epilogue to a tile and writes its `columns` columns to C.
template <Epilogue kEpilogue, Activation kActivation>
HWY_NOINLINE void write_tile(const Gemm& g, const float* HWY_RESTRICT tile, int64_t row,
                             int64_t rows, int64_t column, int64_t columns) {
  constexpr bool kReads = kEpilogue != Epilogue::store;
  const Floats d;
  const Activate<kActivation> activate;
  for (int64_t j = 0; j < columns; j += kLanes) {
    const size_t left = static_cast<size_t>(std::min(kLanes, columns - j));
    const auto mask = hn::FirstN(d, left);
    const bool whole = left == static_cast<size_t>(kLanes);
    const int64_t at = column + j;
    const auto load = [&](const float* p)
                          HWY_ATTR { return whole ? hn::LoadU(d, p) : load_masked(mask, p); };
    const FloatVec bias = g.bias ? load(g.bias + at) : hn::Zero(d);
    const FloatVec scale = g.scale ? load(g.scale + at) : hn::Set(d, 1.0F);
    for (int64_t r = 0; r < rows; ++r) {
      float* c = static_cast<float*>(g.c) + (row + r) * g.c_stride + at;
      const FloatVec old = kReads ? load(c) : hn::Zero(d);
      const FloatVec value =
          finish<kEpilogue>(activate, hn::Load(d, tile + r * kPanel + j), bias, scale, old);
      if (whole) {
        hn::StoreU(value, d, c);
      } else {
        store_masked(value, mask, c);
      }
    }
  }
}

// Calls visit.run<activation>() of that activation.
template <class Visit>
HWY_INLINE void with_activation(Activation activation, const Visit& visit) {
  switch (activation) {
    case Activation::none:
      return visit.template run<Activation::none>();
    case Activation::gelu:
      return visit.template run<Activation::gelu>();
    case Activation::gelu_tanh:
      return visit.template run<Activation::gelu_tanh>();
    case Activation::quick_gelu:
      return visit.template run<Activation::quick_gelu>();
    case Activation::silu:
      return visit.template run<Activation::silu>();
    case Activation::relu:
      return visit.template run<Activation::relu>();
  }
}

// A tile and where it goes.
struct Written {
  const Gemm& g;
  const float* tile;
  int64_t row, rows, column, columns;
};

template <Epilogue kEpilogue>
struct WriteTile : Written {
  template <Activation kActivation>
  HWY_INLINE void run() const {
    write_tile<kEpilogue, kActivation>(g, tile, row, rows, column, columns);
  }
};

// The product of gates, which are the tile's first vector, and values, its second.
template <class Function>
HWY_INLINE FloatVec gated(const Function& activate, const float* HWY_RESTRICT tile,
                          FloatVec gate_bias, FloatVec value_bias) {
  const Floats d;
  return hn::Mul(activate(hn::Add(hn::Load(d, tile), gate_bias)),
                 hn::Add(hn::Load(d, tile + kLanes), value_bias));
}

struct WriteGatedTile : Written {
  template <Activation kActivation>
  HWY_NOINLINE void run() const {
    const Floats d;
    const Activate<kActivation> activate;
    const auto mask = hn::FirstN(d, static_cast<size_t>(columns));
    const float* bias = g.bias ? g.bias + column : nullptr;
    const FloatVec gate_bias = bias ? load_masked(mask, bias) : hn::Zero(d);
    const FloatVec value_bias = bias ? load_masked(mask, bias + g.n) : hn::Zero(d);
    for (int64_t r = 0; r < rows; ++r) {
      const FloatVec value = gated(activate, tile + r * kPanel, gate_bias, value_bias);
      float* c = static_cast<float*>(g.c) + (row + r) * g.c_stride + column;
      if (columns == kLanes) {
        hn::StoreU(value, d, c);
      } else {
        store_masked(value, mask, c);
      }
    }
  }
};

HWY_INLINE void write_tile(const Written& w) {
  const Gemm& g = w.g;
  if (g.is_gated) return with_activation(g.activation, WriteGatedTile{w});
  switch (g.epilogue) {
    case Epilogue::store:
      return with_activation(g.activation, WriteTile<Epilogue::store>{w});
    case Epilogue::add:
      return with_activation(g.activation, WriteTile<Epilogue::add>{w});
    case Epilogue::residual:
      return WriteTile<Epilogue::residual>{w}.run<Activation::none>();
  }
}

}  // namespace fovea::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
