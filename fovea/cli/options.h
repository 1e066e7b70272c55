// Options that several commands share, and how their texts are read.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/fovea.h"

namespace fovea::cli {

// How tokens merge, as typed.
struct MergeFlags {
  std::string r = "0";
  std::string inflect = "0";
  std::string prop_attn = "on";
  std::string metric = "k";
  std::string distance = "cosine";
  std::string merge = "weighted";
};

// Adds --r (unless the command has its own), --inflect, --prop-attn, --metric, --distance, --merge.
void add_merge_flags(CLI::App& command, MergeFlags& flags, bool with_r = true);
// Throws Error naming option, value and what is expected.
MergeOptions merge_options(const MergeFlags& flags);

// How a run is carried out, as typed.
struct RunFlags {
  std::string threads = "0";
  std::string dtype = "f32";
};
void add_run_flags(CLI::App& command, RunFlags& flags);
LoadOptions load_options(const RunFlags& flags);

// A whole number of [least, most]; Error naming the option.
int parse_whole(const std::string& option, const std::string& text, int least, int most);
// "224" or "224x384", height x width, in pixels; Error naming the option.
std::array<int, 2> parse_size(const std::string& option, const std::string& text);
// The parts of "1,8".
std::vector<std::string> split(const std::string& text);

// MODEL as every command takes it: a folder, a .safetensors file, or the name of an architecture,
// which gets random weights. Says so, and what else there is to say about the file, on standard
// error.
Model open_model(const std::string& model, const LoadOptions& options);
// Whether MODEL names an architecture and not a file. Throws Error where it is neither.
bool is_named(const std::string& model);

// Throws Error now where a file could not be written later: its folder is missing or read-only.
void check_can_write(const std::filesystem::path& path);

}  // namespace fovea::cli
