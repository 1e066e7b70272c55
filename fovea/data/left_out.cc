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

void LeftOut::add_file(std::string_view name) { ++files[ending_of(name)]; }

void LeftOut::add(const LeftOut& more) {
  for (const auto& [ending, count] : more.files) files[ending] += count;
  hidden += more.hidden;
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
  std::string files =
      total == 0 ? ""
                 : fmt::format("{} file{} of other kinds: {}", total, total == 1 ? "" : "s", list);
  if (left_out.hidden == 0) return files;
  return fmt::format("{}{}{} hidden", files, files.empty() ? "" : "; ", left_out.hidden);
}

}  // namespace fovea
