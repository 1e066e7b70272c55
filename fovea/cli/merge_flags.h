// The options that say how tokens merge, the same on every command: one table, read by name.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "fovea/cli/command.h"
#include "fovea/fovea.h"

namespace fovea::cli {

// One option: its name without the dashes, what its help shows (null: --merge-config alone takes
// it), and how its text is read.
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

// How tokens merge, as typed; the file of --merge-config and --speedup, empty where there is none.
struct MergeFlags {
  MergeTexts typed = {};
  std::string config = {};
  std::string speedup = {};
};
// Which of the options a command has in a way of its own.
struct OwnFlags {
  bool r = false;
  bool speedup = false;
};
// Adds all of the table, --speedup and --merge-config, without what the command has of its own.
void add_merge_flags(Command& command, MergeFlags& flags, const OwnFlags& own = {});
// What is typed and, below it, what the file says. A typed --r replaces the file's inflect as well.
// Throws Error for a file that is none.
MergeTexts layered(const MergeFlags& flags);
// Throws Error naming option, text and what is expected.
MergeOptions merge_options(const MergeTexts& texts);
// Likewise; what --speedup comes to depends on the model (speedup.h), but not whether it can be
// read.
MergeOptions merge_options(const MergeFlags& flags);
// Each of the numbers of --speedup that commas separate; none where it is not typed. Throws Error
// where one is none, or an option typed says how many tokens merge.
std::vector<double> parse_speedups(const MergeFlags& flags);
// Throws Error naming the option that does not go with the model.
void check_fits(const MergeOptions& merge, const Architecture& architecture);

}  // namespace fovea::cli
