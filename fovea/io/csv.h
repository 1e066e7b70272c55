// Tables as comma-separated values, as RFC 4180 has them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

// One row with its newline. Fields with commas, quotes or line breaks are quoted.
std::string csv_row(const std::vector<std::string>& fields);

// Called with a row and the line, counted from 1, that it begins in.
using TakeCsvRow = std::function<void(std::vector<std::string>& fields, size_t line)>;

// Hands over the rows of a text in order, whatever ends its lines; empty lines are none, nor is a
// byte order mark a part of the first field. `name` stands in messages. Throws Error naming the
// line where a quote never ends or more follows it.
void parse_csv(std::string_view text, const std::string& name, const TakeCsvRow& take);

}  // namespace fovea
