// Commands that several processes run together, where mpirun started them.
#pragma once

#include <functional>

#include "fovea/processes/processes.h"

namespace fovea::cli {

// Runs a command, which returns its exit status, as one of the processes that mpirun started. Notes
// come from the first process only, every other message from the one that it is about, and none is
// left waiting for one that has failed.
int run_together(const std::function<int(const Processes&)>& command);

}  // namespace fovea::cli
