// What Segment Anything asks of a backend beside what every model does.
#pragma once

#include <concepts>
#include <span>

#include "fovea/backend/backend.h"

namespace fovea {

template <class B>
concept SegmentBackend = Backend<B> &&
    requires(B b, const typename B::Tensor x, const typename B::Linear linear,
             const typename B::Norm norm, std::span<const typename B::Rows> tables,
             const Weight weight, const Array& rows_of_host) {
  { b.make_unfolding(weight, weight) } -> std::same_as<typename B::Linear>;
  b.make_fixed(weight);
  { b.unfold(x, 4) } -> std::same_as<typename B::Tensor>;
  { b.join(tables) } -> std::same_as<typename B::Tensor>;
  {
    b.norm_activation(x, norm, Activation::gelu, Precision::product)
    } -> std::same_as<typename B::Tensor>;
  { b.add(x, x, Precision::product) } -> std::same_as<typename B::Tensor>;
  { b.product(x, x) } -> std::same_as<typename B::Tensor>;
  { b.keep(x) } -> std::same_as<typename B::Tensor>;
  { b.write(rows_of_host) } -> std::same_as<typename B::Tensor>;
};

}  // namespace fovea
