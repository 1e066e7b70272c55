// Options of how pictures, videos and sound become inputs of a model.
#pragma once

#include <string>

#include "fovea/cli/command.h"
#include "fovea/data/model_input.h"
#include "fovea/fovea.h"

namespace fovea::cli {

// As typed; empty where nothing was.
struct InputFlags {
  std::string size, stride;
};

// Adds --stride.
void add_stride(Command& command, InputFlags& flags);

// What they say of a model, named `model` in messages. Throws Error naming the option that can't be
// read, or says something of another medium.
InputSpec input_spec_of(const InputFlags& flags, const std::string& model,
                        const Architecture& architecture, const Config& config);

}  // namespace fovea::cli
