// Options that several commands share, and how their texts are read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/backend/grid.h"
#include "fovea/cli/command.h"
#include "fovea/cli/merge_flags.h"
#include "fovea/fovea.h"
#include "fovea/io/number_text.h"

namespace fovea::cli {

// Adds MODEL: a folder, a file of weights, or the name of an architecture.
void add_model(Command& command, std::string& model, bool is_required = true);

// How a run is carried out, as typed; empty where nothing was.
struct RunFlags {
  std::string threads;
  std::string dtype = "f32";
  std::string heads;
  std::string key;
};
// Adds --num-heads.
void add_heads(Command& command, std::string& heads);
// Adds --key.
void add_key(Command& command, std::string& key);
// What --num-heads says; 0 where nothing was typed.
int parse_heads(const std::string& heads);
void add_run_flags(Command& command, RunFlags& flags);
LoadOptions load_options(const RunFlags& flags);

// Adds --keep-ratio.
void add_keep_ratio(Command& command, std::string& keep_ratio);
// How tokens merge, or are routed where `keep_ratio`, as typed, is not empty. The tokens themselves
// are left out: who writes them asks for the copy. Throws Error naming the option.
RunOptions run_options(const MergeOptions& merge, const std::string& keep_ratio);

// Adds --size.
void add_size(Command& command, std::string& size);
// The input's height and width in pixels: "224", "224x384", or what the model was made for where
// `size` is empty. Throws Error where they are no multiples of the patch.
Grid input_size(const std::string& size, const Architecture& architecture);
// How pictures of that size are to be preprocessed for the model; a note says what is assumed where
// no config does.
Preprocessing preprocessing_of(const std::string& size, const Model& model);
// The same of a model that is not loaded.
Preprocessing preprocessing_of(const std::string& size, const Architecture& architecture,
                               const Config& config);

// The parts of "1,8".
std::vector<std::string> split(const std::string& text);

// Whether MODEL names an architecture and not a file. Throws Error where it is neither.
bool is_named(const std::string& model);
// The architecture that MODEL names. Throws Error where what was typed for files, or another number
// of heads, stands beside it; 0 heads: none were typed.
Architecture named_model(const std::string& model, int heads, const std::string& key);
// What MODEL takes, told by its file's names and shapes alone.
Medium medium_of(const std::string& model, const LoadOptions& options);
// MODEL, ready to run; a named architecture gets random weights.
Model load_model(const std::string& model, const LoadOptions& options);
// The same, checked to go with how it will run, and what is to be said of it said on standard
// error.
Model open_model(const std::string& model, const LoadOptions& options, const RunOptions& run);
// What is done of it once it is loaded.
void check_opened(const std::string& model, const Model& opened, const RunOptions& run);
void print_notes(const Model& model);

// Throws Error now where a file could not be written later: its folder is missing or read-only; and
// where it is part of MODEL, if that is given.
void check_can_write(const std::filesystem::path& path, const std::string& model = {});

}  // namespace fovea::cli
