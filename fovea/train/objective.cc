#include "fovea/train/objective.h"

#include <algorithm>
#include <span>
#include <utility>

#include "fovea/backend/input.h"
#include "fovea/io/fail.h"
#include "fovea/train/autocast.h"
#include "fovea/train/grouping_loss.h"
#include "fovea/train/mask_rounds.h"

namespace fovea {
namespace {

// Overlapping convolutions, or patches, would see pixels of masked patches.
void check_stem(const Architecture& a) {
  if (a.stem == Stem::conv) {
    fail("objective is mae and stem is conv; expected a stem that sees each patch alone");
  }
  if (!a.stride.empty()) {
    fail("objective is mae and patches overlap; expected stride 0, for patches side by side");
  }
}

MaeOptions mae_options(const Recipe& r) {
  return {r.mask_ratio, r.decoder_width, r.decoder_depth, r.decoder_heads, r.norm_pix_loss};
}

}  // namespace

Objective::Objective(const Recipe& recipe, Student& student, Course course,
                     const LoadOptions& teacher)
    : student_(student),
      course_(std::move(course)),
      in_bf16_(teacher.dtype == Dtype::bf16),
      masks_(static_cast<size_t>(recipe.masks_per_image)),
      corrections_(recipe.corrections),
      grouping_(recipe.grouping) {
  if (recipe.distillation != "none") {
    teacher_ = std::make_unique<Teacher>(recipe, student.architecture, teacher);
  }
  if (is_mae(recipe)) {
    check_stem(student.architecture);
    decoder_ = std::make_unique<MaeDecoder>(student.architecture, mae_options(recipe), recipe.seed,
                                            student.torch->device());
  }
}

std::vector<TorchParameter> Objective::parameters() const {
  return decoder_ ? decoder_->parameters() : std::vector<TorchParameter>{};
}

Loss Objective::of(const Batch& batch, Random& random) {
  const Autocast autocast(in_bf16_, student_.torch->device().type());
  if (student_.segmentation) return of_masks(batch, random);
  if (!decoder_) return of_classes(batch);
  return {mae_loss(*student_.torch, student_.vit, *decoder_, input_of(batch.images), random), {}};
}

Loss Objective::of_classes(const Batch& batch) {
  Torch& torch = *student_.torch;
  const Vit<Torch>::Output output = student_.vit.forward(torch, input_of(batch.images), course_);
  const torch::Tensor targets =
      torch::from_blob(const_cast<float*>(batch.targets.data.data()), batch.targets.shape)
          .to(torch.device());
  const torch::Tensor loss =
      teacher_ ? teacher_->loss(torch, student_.vit, output, batch.images, targets)
               : cross_entropy(output.logits.rows, targets);
  return {loss, output.logits.rows.detach()};
}

Loss Objective::of_masks(const Batch& batch, Random& random) {
  Torch& torch = *student_.torch;
  const Input input = input_of(batch.images);
  const Grid cells = student_.architecture.patches_of(input.grid);
  const TorchTensor embedding = student_.vit.forward(torch, input, course_).embedding;
  // A picture of which the part that was drawn has no mask adds nothing.
  torch::Tensor sum = 0 * embedding.rows.sum();
  for (size_t i = 0; i < batch.masks.size(); ++i) {
    const std::span<const SquareMask> truths = batch.masks[i];
    if (truths.empty()) continue;
    const auto begin = static_cast<int64_t>(i) * cells.size();
    const TorchTensor picture = {embedding.rows.slice(0, begin, begin + cells.size()),
                                 even_sequences(1, cells.size())};
    sum =
        sum + mask_rounds_loss(torch, *student_.segmentation, picture, cells,
                               truths.first(std::min(masks_, truths.size())), corrections_, random);
    if (grouping_ > 0) sum = sum + grouping_ * grouping_loss(picture.rows, truths);
  }
  torch::Tensor loss = sum / static_cast<double>(batch.masks.size());
  if (teacher_) loss = loss + teacher_->embedding_loss(embedding.rows, batch.images);
  return {loss, {}};
}

}  // namespace fovea
