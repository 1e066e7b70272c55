// Making text from untrusted files fit for a one-line message.
#include "fovea/io/error.h"

namespace fovea {

std::string printable(std::string_view text) {
  constexpr size_t kLongest = 120;
  const bool cut = text.size() > kLongest;
  if (cut) {
    size_t end = kLongest;
    // Not in the middle of a UTF-8 sequence.
    while (end > kLongest - 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text = text.substr(0, end);
  }
  std::string line(text);
  for (char& c : line) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7F) c = '?';
  }
  return cut ? line + "..." : line;
}

}  // namespace fovea
