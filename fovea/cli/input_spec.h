// How files become a model's inputs, as typed.
#pragma once

#include <string>

#include "fovea/cli/command.h"
#include "fovea/data/model_input.h"
#include "fovea/model/architecture.h"
#include "fovea/model/config.h"

namespace fovea::cli {

// For the end of a command's help.
inline constexpr const char* kMediaFiles =
    "FILES of a model of videos are those that FFmpeg reads, and folders; of one of\n"
    "sound WAV, FLAC, Ogg, MP3, m4a and the sound of videos.";

// Adds --stride.
void add_stride(Command& command, std::string& stride);

// What --size and --stride say of inputs of MODEL, empty where nothing was typed; a note says what
// is assumed where no config tells how pictures are preprocessed. Throws Error naming the option.
InputSpec input_spec_of(const std::string& size, const std::string& stride,
                        const std::string& model, const Architecture& architecture,
                        const Config& config);

}  // namespace fovea::cli
