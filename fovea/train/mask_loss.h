// What training Segment Anything makes smaller: how far masks are from true ones (Kirillov and
// others, 2023, appendix A).
#pragma once

#include <torch/types.h>

namespace fovea {

// Each takes logits [..., n] of n pixels and what is true of them, 0 or 1, that broadcast with
// them, and gives [...].

// The focal loss (Lin and others, 2017), mean over the pixels: alpha 0.25, gamma 2.
torch::Tensor focal_loss(const torch::Tensor& logits, const torch::Tensor& truth);
// 1 - (2 |p t| + 1) / (|p| + |t| + 1), p the probabilities.
torch::Tensor dice_loss(const torch::Tensor& logits, const torch::Tensor& truth);
// The intersection over union of what is above 0, without gradient; 0 where both are empty.
torch::Tensor mask_iou(const torch::Tensor& logits, const torch::Tensor& truth);

// The loss of each of P prompts, [P]: 20 times the focal loss and the dice loss of the mask, of M,
// where their sum is least, and over all M the mean square of what the estimates of their IoU are
// off. logits [P, M, n], estimates [P, M], truth [P, n].
torch::Tensor mask_loss(const torch::Tensor& logits, const torch::Tensor& estimates,
                        const torch::Tensor& truth);

}  // namespace fovea
