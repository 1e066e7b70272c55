// The files that a recipe trains on: pictures, videos or sound.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fovea/data/batches.h"
#include "fovea/data/dataset.h"
#include "fovea/data/segmented.h"
#include "fovea/train/recipe.h"
#include "fovea/train/student.h"

namespace fovea {

class TrainingFiles {
 public:
  // Throws Error where they can't be opened.
  TrainingFiles(const Recipe& recipe, Medium medium);

  // Of files that have labels which are learnt.
  std::vector<std::string> classes() const;
  const LeftOut& left_out() const;
  // A new model of sound subtracts their mean, and divides by their deviation, where the recipe
  // doesn't say what. Throws Error for a file that can't be read.
  void measure_for(const Recipe& recipe, Student& student) const;
  TrainingBatches batches(const Student& student, const BatchOptions& options) const;

 private:
  std::unique_ptr<Dataset> labelled_;  // one of these is null
  std::unique_ptr<SegmentedPictures> segmented_;
  bool has_classes_;
};

}  // namespace fovea
