// The options that say how tokens merge, the same on every command: one table, read by name.
#pragma once

#include <map>
#include <span>
#include <string>

#include "fovea/cli/command.h"
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

// Texts of options by their names in the table; only those that are given.
using MergeTexts = std::map<std::string, std::string>;

// How tokens merge, as typed, and the file of --merge-config, empty where there is none.
struct MergeFlags {
  MergeTexts typed = {};
  std::string config = {};
};
// Adds all of the table and --merge-config; --r only where the command has none of its own.
void add_merge_flags(Command& command, MergeFlags& flags, bool with_r = true);
// What is typed and, below it, what the file says. A typed --r replaces the file's inflect as well.
// Throws Error for a file that is none.
MergeTexts layered(const MergeFlags& flags);
// Throws Error naming option, text and what is expected.
MergeOptions merge_options(const MergeTexts& texts);
inline MergeOptions merge_options(const MergeFlags& flags) { return merge_options(layered(flags)); }
// Throws Error naming the option that does not go with the model.
void check_fits(const MergeOptions& merge, const Architecture& architecture);

}  // namespace fovea::cli
