// The one exception type of Fovea: a single clear line for the person who called.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "fovea/api.h"

namespace fovea {

// Bad input: says which file, option or tensor is wrong, what was found and what was expected.
// The command line prints what() as it is and exits with status 2.
class FOVEA_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

// Text from inside a file (a tensor's name, a key) for a message: control characters become '?', so
// that the message stays one line, and what is longer than 120 bytes is cut with "...".
FOVEA_API std::string printable(std::string_view text);

}  // namespace fovea
