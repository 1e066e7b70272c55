// Paths that a file or standard input lists instead of the command line.
#pragma once

#include <string>
#include <vector>

namespace fovea::cli {

// The paths, with those that "-" (standard input, once) and "@FILE" list in their places: one a
// line, or with NUL between them where there is one (find -print0). "./-" and "./@FILE" are files
// of such names. Throws Error naming the list that can't be read or is empty.
std::vector<std::string> listed_paths(const std::vector<std::string>& paths);

}  // namespace fovea::cli
