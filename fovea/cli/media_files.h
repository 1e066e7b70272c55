// What a model is given of files, as fovea preprocess writes it.
#pragma once

#include <string>

#include "fovea/cli/pictures.h"
#include "fovea/data/model_input.h"

namespace fovea::cli {

// The first input of each file, one behind the other. Files that can't be read are named on
// standard error, the rest is done. Returns the exit status. Throws Error where none could be read.
int write_inputs(const Pictures& files, const InputSpec& spec, const std::string& output);

// Of one file: the frames of its clip, [frames, height, width, 3] of bytes, or all of a sound's
// frames, [frames, mel bins], before normalising.
int write_raw_media(const Pictures& files, const InputSpec& spec, const std::string& output);

}  // namespace fovea::cli
