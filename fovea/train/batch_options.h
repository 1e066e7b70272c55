// What a recipe says of the batches that a process gets.
#pragma once

#include "fovea/data/batches.h"
#include "fovea/model/config.h"
#include "fovea/processes/processes.h"
#include "fovea/train/recipe.h"

namespace fovea {

// `config`: of the model that sees them. Throws Error for a batch that the processes can't share.
BatchOptions batch_options(const Recipe& recipe, const Config& config, const Processes& processes);

}  // namespace fovea
