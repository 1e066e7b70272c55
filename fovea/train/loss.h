// What training makes small: the cross-entropy to the targets, and the distance from a teacher.
#pragma once

#include <torch/types.h>

#include "fovea/backend/torch/torch.h"
#include "fovea/fovea.h"
#include "fovea/model/vit.h"
#include "fovea/train/recipe.h"

namespace fovea {

// Mean over the batch of -sum targets * log softmax(logits). Both [B, classes].
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets);

// Touvron and others, 2021 (DeiT), section 4; [B, classes] both. Soft: the divergence of softened
// probabilities, times tau squared. Hard: the cross-entropy to the teacher's choice.
torch::Tensor soft_distillation(const torch::Tensor& logits, const torch::Tensor& teacher,
                                double tau);
torch::Tensor hard_distillation(const torch::Tensor& logits, const torch::Tensor& teacher);

// Mean over the batch of 1 - cosine; [B, C] both.
torch::Tensor feature_distance(const torch::Tensor& features, const torch::Tensor& teacher);

// A teacher: the CPU engine's, which needs no gradient.
class Teacher {
 public:
  // Throws Error where it has no head for these classes, or (for features) another width; of a
  // Segment Anything, where its embedding has other channels or cells.
  Teacher(const Recipe& recipe, const Architecture& student, const LoadOptions& options);

  // The whole loss of a batch: `output` is the student's for `images`; targets [B, classes].
  torch::Tensor loss(Torch& torch, const Vit<Torch>& vit, const Vit<Torch>::Output& output,
                     const Array& images, const torch::Tensor& targets) const;
  // recipe.feature_weight times the distance of a Segment Anything's embedding [B P, C], the
  // student's for `images`: the mean over all cells.
  torch::Tensor embedding_loss(const torch::Tensor& embedding, const Array& images) const;

 private:
  Recipe recipe_;
  Model model_;
};

}  // namespace fovea
