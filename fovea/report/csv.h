// Tables as comma-separated values.
#pragma once

#include <string>
#include <vector>

namespace fovea {

// One row with its newline. Fields with commas, quotes or line breaks are quoted (RFC 4180).
std::string csv_row(const std::vector<std::string>& fields);

}  // namespace fovea
