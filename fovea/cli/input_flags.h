// Options of how pictures, videos and sound become inputs of a model.
#pragma once

#include <string>

#include "fovea/cli/command.h"
#include "fovea/data/model_input.h"
#include "fovea/fovea.h"

namespace fovea::cli {

// As typed; empty where nothing was.
struct InputFlags {
  std::string size, stride, clips, crops, hop;
};

// Adds --stride.
void add_stride(Command& command, InputFlags& flags);
// Adds --size, --stride, --clips, --crops and --hop.
void add_input_flags(Command& command, InputFlags& flags);

// What they say of a model, named `model` in messages: of a video one clip and one crop where
// nothing else is asked for, of sound all windows, one behind the other. Throws Error naming the
// option that can't be read, or says something of another medium.
InputSpec input_spec_of(const InputFlags& flags, const std::string& model,
                        const Architecture& architecture, const Config& config);
InputSpec input_spec_of(const InputFlags& flags, const std::string& model, const Model& opened);
// One input of each file: of a video the clip in the middle, of sound the beginning.
InputSpec single_input_of(const std::string& model, const Model& opened);

}  // namespace fovea::cli
