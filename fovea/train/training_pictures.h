// The pictures that a recipe trains on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fovea/data/batches.h"
#include "fovea/data/dataset.h"
#include "fovea/data/segmented.h"
#include "fovea/train/recipe.h"

namespace fovea {

class TrainingPictures {
 public:
  // Throws Error where they can't be opened.
  explicit TrainingPictures(const Recipe& recipe);

  // Of pictures that have labels which are learnt.
  std::vector<std::string> classes() const;
  const LeftOut& left_out() const;
  TrainingBatches batches(const BatchOptions& options) const;

 private:
  std::unique_ptr<Dataset> labelled_;  // one of these is null
  std::unique_ptr<SegmentedPictures> segmented_;
  bool has_classes_;
};

}  // namespace fovea
