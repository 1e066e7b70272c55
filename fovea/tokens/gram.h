// A matrix of products by the few directions that say most of it.
#pragma once

#include <functional>

#include "fovea/io/array.h"

namespace fovea {

// P [k, width] such that P' P comes near a symmetric matrix G [width, width] without negative
// eigenvalues, which `multiply` multiplies rows [k, width] by; k is the lesser of `channels` and
// width - 1, the rank of a G whose rows have no mean. (Nystrom's approximation on the subspace that
// a few products with G leave of random rows.)
Array factor_gram(int width, int channels, const std::function<Array(const Array&)>& multiply);

}  // namespace fovea
