#include "fovea/train/grouping_loss.h"

#include <torch/torch.h>

#include <cmath>

namespace fovea {
namespace {

// [M, h h]: how much of each cell each mask covers, from 0 to 1.
torch::Tensor covers(std::span<const SquareMask> truths, int64_t cells) {
  const auto side = 4 * static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(cells))));
  const auto count = static_cast<int64_t>(truths.size());
  torch::Tensor masks = torch::empty({count, side, side});
  auto* out = masks.data_ptr<float>();
  for (const SquareMask& truth : truths) {
    for (const uint8_t pixel : truth) *out++ = pixel;
  }
  return torch::avg_pool2d(masks, 4).flatten(1);
}

}  // namespace

torch::Tensor grouping_loss(const torch::Tensor& embedding, std::span<const SquareMask> truths) {
  constexpr double kSharpness = 10;
  const torch::Tensor masks = covers(truths, embedding.size(0)).to(embedding.device());
  const torch::Tensor rows = embedding.to(torch::kFloat);
  const torch::Tensor unit = rows / rows.norm(2, 1, true).clamp_min(1e-6);
  const torch::Tensor others = 1 - torch::eye(rows.size(0), rows.options());
  const torch::Tensor alike = (kSharpness * (unit.matmul(unit.t()) - 1)).exp() * others;
  const torch::Tensor inside = masks.matmul(alike);  // [M, cells]
  const torch::Tensor log = ((inside + 1e-6) / (alike.sum(1) + 1e-6)).log();
  return -((masks * log).sum(1) / masks.sum(1).clamp_min(1e-6)).mean();
}

}  // namespace fovea
