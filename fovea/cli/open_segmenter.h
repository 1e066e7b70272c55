// Segment Anything as a command line names it.
#pragma once

#include <string>

#include "fovea/cli/options.h"
#include "fovea/segmenter.h"

namespace fovea::cli {

// What open_model is for a Model.
Segmenter open_segmenter(const std::string& model, const LoadOptions& options,
                         const RunOptions& run);

// The side of the square that pictures are put in, as typed; 0 where nothing was. Throws Error
// where that is no square of whole patches.
int square_side(const std::string& size, const Architecture& architecture);

}  // namespace fovea::cli
