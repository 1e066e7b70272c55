// What runs of a model cost: two operations per multiply-add of matrix products, without the head.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fovea/api.h"
#include "fovea/backend/grid.h"
#include "fovea/io/array.h"
#include "fovea/model/architecture.h"
#include "fovea/model/course.h"
#include "fovea/tokens/options.h"

namespace fovea {

struct Cost {
  std::vector<int> tokens_per_layer;  // tokens that leave each layer
  double gflops = 0;
  double computed = 0;  // where features and logits are all that is read (read_pooled_alone)
};

// For one input of that size in pixels (whole patches), its tokens merged so, and routed so (else
// as the model was made for). Throws Error where a threshold lets the picture decide how many.
FOVEA_API Cost cost(const Architecture& architecture, const Grid& size,
                    const MergeOptions& merge = {}, std::optional<double> keep_ratio = {});

// The GFLOPs of such a run of one input, of which layer_tokens[l] tokens leave layer l
// (Result::layer_tokens). Counts what looking for tokens to merge before attention adds, but not
// the matching itself. How many of a big.LITTLE ViT's selected tokens merge with each other depends
// on the image: counts as few as can be.
FOVEA_API double gflops(const Architecture& architecture, const Grid& size, const Course& course,
                        std::span<const int32_t> layer_tokens);

// And of all inputs of a run together: layer_tokens [B, depth].
FOVEA_API double batch_gflops(const Architecture& architecture, const Grid& size,
                              const Course& course, const IntArray& layer_tokens);

}  // namespace fovea
