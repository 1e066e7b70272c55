#include "fovea/train/mask_loss.h"

#include <torch/torch.h>

namespace fovea {

torch::Tensor focal_loss(const torch::Tensor& logits, const torch::Tensor& truth) {
  constexpr double kAlpha = 0.25;
  // The chance that the pixel is given to be what it is not.
  const torch::Tensor sign = 1 - 2 * truth;
  const torch::Tensor wrong = torch::sigmoid(logits * sign);
  const torch::Tensor entropy = torch::softplus(logits * sign);
  const torch::Tensor weight = (1 - kAlpha) - (1 - 2 * kAlpha) * truth;
  return (weight * wrong.square() * entropy).mean(-1);
}

torch::Tensor dice_loss(const torch::Tensor& logits, const torch::Tensor& truth) {
  const torch::Tensor p = torch::sigmoid(logits);
  return 1 - (2 * (p * truth).sum(-1) + 1) / (p.sum(-1) + truth.sum(-1) + 1);
}

torch::Tensor mask_iou(const torch::Tensor& logits, const torch::Tensor& truth) {
  const torch::Tensor mask = logits.detach().gt(0).to(truth.dtype());
  const torch::Tensor common = (mask * truth).sum(-1);
  const torch::Tensor all = mask.sum(-1) + truth.sum(-1) - common;
  return common / all.clamp_min(1);
}

torch::Tensor mask_loss(const torch::Tensor& logits, const torch::Tensor& estimates,
                        const torch::Tensor& truth) {
  constexpr double kFocal = 20;
  const torch::Tensor values = logits.to(torch::kFloat);
  const torch::Tensor wanted = truth.unsqueeze(1);
  const torch::Tensor of_masks = kFocal * focal_loss(values, wanted) + dice_loss(values, wanted);
  const torch::Tensor off = estimates.to(torch::kFloat) - mask_iou(values, wanted);
  return std::get<0>(of_masks.min(1)) + off.square().mean(1);
}

}  // namespace fovea
