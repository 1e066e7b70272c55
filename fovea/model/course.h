// What a run of a model is to do: its options, checked and resolved once, at the door.
#pragma once

#include <optional>
#include <vector>

#include "fovea/model/architecture.h"
#include "fovea/tokens/course.h"

namespace fovea {

struct Course {
  MergeCourse merge;
  double keep_ratio = 1;  // of the patches that take the big path, where tokens are routed
  bool trace = false;     // whether sources are kept after every layer
};

// keep_ratio: as typed, if it is. Throws Error for what the model can't follow.
Course course_of(const Architecture& architecture, const MergeOptions& merge,
                 std::optional<double> keep_ratio = {});

}  // namespace fovea
