// Running a model over the pictures of a command line.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "fovea/fovea.h"

namespace fovea::cli {

// Called with a picture, its place in `result`, and the result of the batch it was in.
using TakeResult =
    std::function<void(const std::filesystem::path& picture, int64_t index, const Result& result)>;

// Runs all pictures that `paths` mean, in order, decoding ahead. A picture that can't be read is
// named on standard error. Returns the exit status: done, some skipped, or refused where none could
// be read.
int run_pictures(const Model& model, const std::vector<std::string>& paths,
                 const MergeOptions& merge, int batch, const TakeResult& take);

}  // namespace fovea::cli
