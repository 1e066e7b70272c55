// What a recipe says of the batches that a process gets.
#pragma once

#include "fovea/data/batches.h"
#include "fovea/processes/processes.h"
#include "fovea/train/recipe.h"
#include "fovea/train/student.h"

namespace fovea {

// `student` sees them. Throws Error for a batch that the processes can't share.
BatchOptions batch_options(const Recipe& recipe, const Student& student,
                           const Processes& processes);

}  // namespace fovea
