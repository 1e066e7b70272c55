// Options of how pictures are read, and what is said of those that came out otherwise than people
// may expect.
#pragma once

#include <string>

#include "fovea/cli/command.h"
#include "fovea/data/image.h"
#include "fovea/processes/processes.h"

namespace fovea::cli {

// As typed.
struct ReadFlags {
  std::string orient = "none";
  std::string background = "none";
  std::string truncated = "refuse";
  std::string max_megapixels = "100";
};
// Adds --orient, --background, --truncated and --max-megapixels.
void add_read_flags(Command& command, ReadFlags& flags);
// What they say, with counts. Throws Error naming the option.
ReadOptions read_options(const ReadFlags& flags);

// Tells what was counted, in a line each, on standard error. Of several processes, all of which
// call it, the first tells what all have counted.
void tell_counts(const ReadOptions& options, const Processes& processes = Processes::alone());

}  // namespace fovea::cli
