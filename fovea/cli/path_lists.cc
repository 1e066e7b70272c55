#include "fovea/cli/path_lists.h"

#include <algorithm>
#include <iostream>
#include <iterator>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"

namespace fovea::cli {
namespace {

std::vector<std::string> split_list(const std::string& text) {
  const char end = text.find('\0') == std::string::npos ? '\n' : '\0';
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < text.size();) {
    const size_t stop = std::min(text.find(end, begin), text.size());
    if (stop > begin) parts.push_back(text.substr(begin, stop - begin));
    begin = stop + 1;
  }
  // Lists from Windows end their lines by two characters.
  for (std::string& part : parts) {
    if (end == '\n' && part.ends_with('\r')) part.pop_back();
  }
  return parts;
}

std::string read_list(const std::string& path) {
  if (path != "-") return read_text(path.substr(1));
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

}  // namespace

std::vector<std::string> listed_paths(const std::vector<std::string>& paths) {
  std::vector<std::string> all;
  bool read_input = false;
  for (const std::string& path : paths) {
    if (path != "-" && !path.starts_with('@')) {
      all.push_back(path);
      continue;
    }
    if (path == "-" && read_input) fail("-: expected once; standard input can be read only once");
    read_input = read_input || path == "-";
    const std::vector<std::string> listed = split_list(read_list(path));
    if (listed.empty()) fail("{}: lists no path; expected one a line", printable(path));
    all.insert(all.end(), listed.begin(), listed.end());
  }
  return all;
}

}  // namespace fovea::cli
