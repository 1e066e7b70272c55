#include "fovea/io/number_text.h"

#include <charconv>
#include <cstdlib>
#include <system_error>

#include "fovea/io/fail.h"

namespace fovea {

int parse_whole(const std::string& option, const std::string& text, int least, int most) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < least || value > most) {
    fail("{} {}: expected a whole number from {} to {}", option, printable(text), least, most);
  }
  return value;
}

double parse_number(const std::string& option, const std::string& text, double least, double most) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool whole = !text.empty() && end == text.c_str() + text.size();
  if (!whole || !(value >= least && value <= most)) {
    fail("{} {}: expected a number from {} to {}", option, printable(text), least, most);
  }
  return value;
}

}  // namespace fovea
