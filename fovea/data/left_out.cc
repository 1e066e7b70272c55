#include "fovea/data/left_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "fovea/data/folder.h"
#include "fovea/io/error.h"

namespace fovea {

bool is_hidden(std::string_view name) {
  return name.starts_with(".") || name == "__MACOSX" || name == "@eaDir";
}

bool lies_hidden(std::string_view path) {
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    if (is_hidden(path.substr(0, end))) return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

void LeftOut::add_file(std::string_view name) { ++files[ending_of(name)]; }

void LeftOut::add(const LeftOut& more) {
  for (const auto& [ending, count] : more.files) files[ending] += count;
  hidden += more.hidden;
  unlabelled += more.unlabelled;
}

std::string to_string(const LeftOut& left_out) {
  std::vector<std::pair<std::string, int64_t>> kinds(left_out.files.begin(), left_out.files.end());
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  int64_t total = 0;
  std::string list;
  for (const auto& [ending, count] : kinds) {
    total += count;
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", count,
                        ending.empty() ? "without an ending" : printable(ending));
  }
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (total > 0)
    add(fmt::format("{} file{} of other kinds: {}", total, total == 1 ? "" : "s", list));
  if (left_out.hidden > 0) add(fmt::format("{} hidden", left_out.hidden));
  if (left_out.unlabelled > 0) add(fmt::format("{} without a label", left_out.unlabelled));
  return text;
}

}  // namespace fovea
