// What the steps of training make smaller.
#pragma once

#include <memory>
#include <vector>

#include "fovea/data/batches.h"
#include "fovea/fovea.h"
#include "fovea/io/random.h"
#include "fovea/model/course.h"
#include "fovea/train/loss.h"
#include "fovea/train/mae.h"
#include "fovea/train/recipe.h"
#include "fovea/train/student.h"

namespace fovea {

struct Loss {
  torch::Tensor value;   // of one element
  torch::Tensor logits;  // [B, classes], without gradient; undefined where nothing is classified
};

// The cross-entropy to the classes, or the loss of masks (recipe.objective "segment"), each with a
// teacher's part where there is one; or the error of what a decoder paints ("mae").
class Objective {
 public:
  // `student` outlives this and runs as `course` says; it multiplies in the dtype of `teacher`,
  // which says how a teacher is run. Throws Error for a teacher or a decoder that does not fit it.
  Objective(const Recipe& recipe, Student& student, Course course, const LoadOptions& teacher);

  // Of what is trained beside the student and thrown away afterwards.
  std::vector<TorchParameter> parameters() const;
  bool classifies() const { return decoder_ == nullptr && !student_.segmentation; }
  // What is random in it is drawn from `random` and libtorch's generator.
  Loss of(const Batch& batch, Random& random);

 private:
  Loss of_classes(const Batch& batch);
  Loss of_masks(const Batch& batch, Random& random);

  Student& student_;
  Course course_;
  bool in_bf16_;
  size_t masks_;  // of a picture that are asked for
  int corrections_;
  double grouping_;
  std::unique_ptr<Teacher> teacher_;
  std::unique_ptr<MaeDecoder> decoder_;
};

}  // namespace fovea
