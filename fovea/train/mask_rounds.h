// How Segment Anything learns from a picture's masks: prompts, answers, corrections (Kirillov and
// others, 2023, appendix A).
#pragma once

#include <torch/types.h>

#include <span>

#include "fovea/backend/torch/torch.h"
#include "fovea/data/segment_sample.h"
#include "fovea/io/random.h"
#include "fovea/segment/segmentation.h"

namespace fovea {

// The mean loss over all masks and over the first prompt of each and `corrections` further points,
// each where the answer before was wrong. After the first prompt every other time, by chance, that
// answer's logits are a prompt as well.
//
// embedding: of one picture, [1, h w, C]; truths: at least one, [4 h, 4 h], of a square grid h x h.
torch::Tensor mask_rounds_loss(Torch& torch, const Segmentation<Torch>& segmentation,
                               const TorchTensor& embedding, const Grid& cells,
                               std::span<const SquareMask> truths, int corrections, Random& random);

}  // namespace fovea
