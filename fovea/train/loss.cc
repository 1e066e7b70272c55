#include "fovea/train/loss.h"
#include "fovea/io/fail.h"

#include <torch/torch.h>

namespace fovea {
namespace {

torch::Tensor as_tensor(const Array& array, const torch::Tensor& like) {
  // from_blob takes no const pointer; it is only read from.
  return torch::from_blob(const_cast<float*>(array.data.data()), array.shape, torch::kFloat)
      .to(like.device(), torch::kFloat, /*non_blocking=*/false, /*copy=*/true);
}

// The logits that learn from the teacher: the distillation token's where there is one.
torch::Tensor taught_logits(Torch& torch, const Vit<Torch>& vit, const Vit<Torch>::Output& output) {
  if (!vit.head.distilled) return output.logits.rows;
  return torch.linear(torch.token(output.tokens, 1), *vit.head.distilled).rows;
}

// The logits that learn from the labels.
torch::Tensor labelled_logits(Torch& torch, const Vit<Torch>& vit,
                              const Vit<Torch>::Output& output) {
  if (!vit.head.distilled) return output.logits.rows;
  return torch.linear(output.features, *vit.head.linear).rows;
}

void check_taught_classes(const Recipe& recipe, const Architecture& a,
                          const Architecture& student) {
  const bool by_feature = recipe.distillation == "feature";
  if (by_feature ? a.features() == student.features() : a.classes == student.classes) return;
  fail(
      "teacher {}: has features of {} channels and {} classes, the student {} and {}; expected "
      "the same {}",
      recipe.teacher, a.features(), a.classes, student.features(), student.classes,
      by_feature ? "channels" : "classes");
}

void check_taught_embedding(const Recipe& recipe, const Architecture& a,
                            const Architecture& student) {
  if (a.neck == 0) {
    fail("teacher {}: is no Segment Anything; expected one where objective is segment",
         recipe.teacher);
  }
  const Grid cells = student.input_size / a.patch;
  const Grid own = student.input_size / student.patch;
  if (a.neck == student.neck && cells == own && cells * a.patch == student.input_size) return;
  fail(
      "teacher {}: has embeddings of {} channels and cells of {} x {} pixels, the student of {} "
      "and {} x {}; expected the same",
      recipe.teacher, a.neck, a.patch.rows, a.patch.columns, student.neck, student.patch.rows,
      student.patch.columns);
}

}  // namespace

torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) {
  return -(targets * torch::log_softmax(logits.to(torch::kFloat), 1)).sum(1).mean();
}

torch::Tensor soft_distillation(const torch::Tensor& logits, const torch::Tensor& teacher,
                                double tau) {
  const torch::Tensor student = torch::log_softmax(logits.to(torch::kFloat) / tau, 1);
  const torch::Tensor wanted = torch::log_softmax(teacher / tau, 1);
  return (wanted.exp() * (wanted - student)).sum(1).mean() * (tau * tau);
}

torch::Tensor hard_distillation(const torch::Tensor& logits, const torch::Tensor& teacher) {
  return torch::nll_loss(torch::log_softmax(logits.to(torch::kFloat), 1), teacher.argmax(1));
}

torch::Tensor feature_distance(const torch::Tensor& features, const torch::Tensor& teacher) {
  return (1 - torch::cosine_similarity(features.to(torch::kFloat), teacher, 1)).mean();
}

Teacher::Teacher(const Recipe& recipe, const Architecture& student, const LoadOptions& options)
    : recipe_(recipe), model_(Model::load(recipe.teacher, options)) {
  if (is_segment(recipe)) {
    check_taught_embedding(recipe, model_.architecture(), student);
  } else {
    check_taught_classes(recipe, model_.architecture(), student);
  }
}

torch::Tensor Teacher::loss(Torch& torch, const Vit<Torch>& vit, const Vit<Torch>::Output& output,
                            const Array& images, const torch::Tensor& targets) const {
  const Result answers = model_.run(images, {.want_tokens = false});
  const torch::Tensor own = cross_entropy(labelled_logits(torch, vit, output), targets);
  if (recipe_.distillation == "feature") {
    const torch::Tensor wanted = as_tensor(answers.features, targets);
    return own + recipe_.feature_weight * feature_distance(output.features.rows, wanted);
  }
  const torch::Tensor wanted = as_tensor(answers.logits, targets);
  const torch::Tensor taught = taught_logits(torch, vit, output);
  const torch::Tensor distance = recipe_.distillation == "soft"
                                     ? soft_distillation(taught, wanted, recipe_.distillation_tau)
                                     : hard_distillation(taught, wanted);
  return (1 - recipe_.distillation_alpha) * own + recipe_.distillation_alpha * distance;
}

torch::Tensor Teacher::embedding_loss(const torch::Tensor& embedding, const Array& images) const {
  const Result answers = model_.run(images, {.want_tokens = false});
  // [B, C, h, w]
  const torch::Tensor planes = as_tensor(answers.embedding, embedding);
  const torch::Tensor wanted = planes.permute({0, 2, 3, 1}).reshape({-1, planes.size(1)});
  return recipe_.feature_weight * feature_distance(embedding, wanted);
}

}  // namespace fovea
