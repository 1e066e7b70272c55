// The model that is trained: a new one, or a checkpoint's with a head for other classes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fovea/backend/torch/torch.h"
#include "fovea/model/vit.h"
#include "fovea/train/recipe.h"

namespace fovea {

struct Student {
  Architecture architecture;
  Config config;  // with labels and preprocessing, as it is saved
  std::unique_ptr<Torch> torch;
  Vit<Torch> vit;
  bool has_new_head = false;
};

// Classes are the names of the pictures' folders; without any it has no head. What recipe.tune
// leaves out needs no gradient. Throws Error for a checkpoint that can't be read, or where nothing
// is left to train.
Student make_student(const Recipe& recipe, const std::vector<std::string>& classes);

}  // namespace fovea
