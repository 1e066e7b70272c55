// How often a model is right on labelled pictures.
#pragma once

#include <functional>

#include "fovea/data/dataset.h"
#include "fovea/fovea.h"
#include "fovea/processes/processes.h"
#include "fovea/report/accuracy.h"

namespace fovea {

// Of a model whose classes are the data's. Every process does its share; the result is that of all.
// Ends early, with what is done, where `stop` says so on one of them.
Accuracy evaluate_on(const Model& model, const Dataset& data, const RunOptions& options,
                     const std::function<bool()>& stop, const Processes& processes);

}  // namespace fovea
