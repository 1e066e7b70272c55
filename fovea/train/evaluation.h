// How often a model is right on labelled pictures.
#pragma once

#include <functional>

#include "fovea/data/dataset.h"
#include "fovea/fovea.h"
#include "fovea/report/accuracy.h"

namespace fovea {

// Of a model whose classes are the data's. Ends early, with what is done, where `stop` says so.
Accuracy evaluate_on(const Model& model, const Dataset& data, const RunOptions& options,
                     const std::function<bool()>& stop);

}  // namespace fovea
