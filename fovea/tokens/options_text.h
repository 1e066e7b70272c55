// The options that say how tokens merge, as texts: one table, read by name, for every door.
#pragma once

#include <map>
#include <span>
#include <string>

#include "fovea/api.h"
#include "fovea/tokens/options.h"

namespace fovea {

// One option: its name, as JSON says it and, with dashes before it, the command line; what the help
// of a command line shows (null: files alone take it), and how its text is read.
struct MergeOption {
  const char* name;
  const char* type;
  const char* help;
  // Throws Error naming option, text and what is expected.
  void (*read)(const std::string& text, MergeOptions& options);
};
// In the order of the help.
FOVEA_API std::span<const MergeOption> merge_option_table();

// Texts of options by their names in the table; only those that are given.
using MergeTexts = std::map<std::string, std::string>;

// Throws Error naming option, text and what is expected.
FOVEA_API MergeOptions merge_options(const MergeTexts& texts);

}  // namespace fovea
