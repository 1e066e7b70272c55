// The options that say how tokens merge, the same on every command: one table, read by name.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <span>
#include <string>

#include "fovea/fovea.h"

namespace fovea::cli {

// One option: its name without the dashes, what its help shows, and how its text is read.
struct MergeFlag {
  const char* name;
  const char* type;
  const char* help;
  // Throws Error naming option, text and what is expected.
  void (*read)(const std::string& text, MergeOptions& options);
};
// In the order of the help.
std::span<const MergeFlag> merge_flag_table();

// How tokens merge, as typed: texts by the names of the table; only those that were given.
struct MergeFlags {
  std::map<std::string, std::string> typed;
};
// Adds all of the table; --r only where the command has none of its own.
void add_merge_flags(CLI::App& command, MergeFlags& flags, bool with_r = true);
// Throws Error naming option, text and what is expected.
MergeOptions merge_options(const MergeFlags& flags);
// Throws Error naming the option that does not go with the model.
void check_fits(const MergeOptions& merge, const Architecture& architecture);

}  // namespace fovea::cli
