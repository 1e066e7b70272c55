// How often a model is right on labelled pictures.
#pragma once

#include <functional>

#include "fovea/data/dataset.h"
#include "fovea/fovea.h"
#include "fovea/processes/processes.h"
#include "fovea/report/accuracy.h"

namespace fovea {

// Who looks on while a process does its share.
struct Watch {
  std::function<bool()> stop;  // ends it early, with what is done
  std::function<void(int64_t pictures, int64_t of)> on_evaluated;
};

// Of a model whose classes are the data's. Every process does its share; the result is that of all.
Accuracy evaluate_on(const Model& model, const Dataset& data, const RunOptions& options,
                     const Watch& watch, const Processes& processes);

}  // namespace fovea
