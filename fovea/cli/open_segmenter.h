// Segment Anything as a command line names it.
#pragma once

#include <string>

#include "fovea/cli/options.h"
#include "fovea/segmenter.h"

namespace fovea::cli {

// What open_model is for a Model.
Segmenter open_segmenter(const std::string& model, const LoadOptions& options,
                         const RunOptions& run);

}  // namespace fovea::cli
