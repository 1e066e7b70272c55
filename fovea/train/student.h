// The model that is trained: a new one, or a checkpoint's with a head for other classes; also a
// Segment Anything.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fovea/backend/torch/torch.h"
#include "fovea/model/vit.h"
#include "fovea/segment/segmentation.h"
#include "fovea/train/recipe.h"

namespace fovea {

struct Student {
  Architecture architecture;
  Config config;  // with labels and preprocessing, as it is saved
  std::unique_ptr<Torch> torch;
  Vit<Torch> vit;
  std::optional<Segmentation<Torch>> segmentation;  // behind it, where masks are learnt
  bool has_new_head = false;
};

// How many numbers it has, a decoder's among them.
int64_t parameters_of(const Student& student);

// What comes in: of the model that training starts from, or of the new one. Throws Error for a
// checkpoint that can't be read.
Medium medium_of(const Recipe& recipe);

// Classes are the names of the files' folders; without any it has no head. What recipe.tune
// leaves out needs no gradient. Throws Error for a checkpoint that can't be read, or where nothing
// is left to train.
Student make_student(const Recipe& recipe, const std::vector<std::string>& classes);

}  // namespace fovea
