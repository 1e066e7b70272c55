// A loss of Segment Anything's embedding alone: what lies in one mask should look alike.
#pragma once

#include <torch/types.h>

#include <span>

#include "fovea/data/segment_sample.h"

namespace fovea {

// How badly neighbours in the embedding tell who shares a mask (supervised contrastive learning,
// Khosla and others, 2020): over the cells i of a mask, the mean of
//   -log(sum over j in the mask of e^(10 cos(i, j)) / sum over all j of it), j other than i,
// a cell counting by how much of it the mask covers; the mean over the masks.
//
// embedding: of one picture, [h h, C]; truths: at least one, [4 h, 4 h].
torch::Tensor grouping_loss(const torch::Tensor& embedding, std::span<const SquareMask> truths);

}  // namespace fovea
