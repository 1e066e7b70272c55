// Queries, keys and values of tokens, of which attention is made.
#pragma once

#include "fovea/backend/kinds.h"

namespace fovea {

// [B, T, heads * d] each; of the tokens that ask [B, K, heads * d], and values may have another d.
// Parts of one product, or of several.
template <class Tensor>
struct Projected {
  Tensor q, k, v;

  const Tensor& part(QkvPart part) const {
    return part == QkvPart::q ? q : part == QkvPart::k ? k : v;
  }
};

}  // namespace fovea
