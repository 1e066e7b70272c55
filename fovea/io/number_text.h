// Numbers that people type.
#pragma once

#include <string>

#include "fovea/api.h"

namespace fovea {

// A whole number of [least, most]; Error naming the option.
FOVEA_API int parse_whole(const std::string& option, const std::string& text, int least, int most);
// A number of [least, most]; Error naming the option.
FOVEA_API double parse_number(const std::string& option, const std::string& text, double least,
                              double most);

}  // namespace fovea
