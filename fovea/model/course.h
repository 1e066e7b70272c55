// What a run of a model is to do: its options, checked and resolved once, at the door.
#pragma once

#include <optional>
#include <vector>

#include "fovea/api.h"
#include "fovea/model/architecture.h"
#include "fovea/tokens/course.h"

namespace fovea {

struct Course {
  MergeCourse merge;
  double keep_ratio = 1;         // of the patches that take the big path, where tokens are routed
  std::vector<int> layers = {};  // counted from 1: after which tokens are kept
  // Counted from 1: of which what the class token attends to is kept.
  std::vector<int> attention_layers = {};
  bool trace = false;  // whether sources are kept after every layer
};

// keep_ratio: as typed, if it is. Throws Error for what the model can't follow.
FOVEA_API Course course_of(const Architecture& architecture, const MergeOptions& merge,
                           std::optional<double> keep_ratio = {});

// Adds what is to be kept on the way: tokens after `layers`, counted from 1, and what the class
// token attends to in these and the last. Throws Error where there is no such layer, or no class
// token that attends to all.
void keep_on_the_way(const Architecture& architecture, const std::vector<int>& layers,
                     bool attention, Course& course);

}  // namespace fovea
