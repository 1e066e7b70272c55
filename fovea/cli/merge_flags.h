// The options that say how tokens merge, the same on every command.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/cli/command.h"
#include "fovea/fovea.h"
#include "fovea/tokens/options_text.h"

namespace fovea::cli {

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
// The options that the file of --merge-config says, as if they had been typed. Throws Error naming
// the file.
MergeTexts read_merge_config(const std::filesystem::path& path);
// What is typed and, below it, what the file says. A typed --r replaces the file's inflect as well.
// Throws Error for a file that is none.
MergeTexts layered(const MergeFlags& flags);
using fovea::merge_options;
// Throws Error naming option, text and what is expected; what --speedup comes to depends on the
// model (speedup.h), but not whether it can be read.
MergeOptions merge_options(const MergeFlags& flags);
// Each of the numbers of --speedup that commas separate; none where it is not typed. Throws Error
// where one is none, or an option typed says how many tokens merge.
std::vector<double> parse_speedups(const MergeFlags& flags);
// Throws Error naming the option that does not go with the model.
void check_fits(const MergeOptions& merge, const Architecture& architecture);

}  // namespace fovea::cli
