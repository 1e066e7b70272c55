#include "fovea/model/prefix.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "fovea/model/names.h"

namespace fovea {
namespace {

// Whether libraries name their models' parts so: by what a family puts before all names, or
// open_clip's name of the tower.
bool begins_own(std::string_view text) {
  const auto begins = [text](std::string_view own) { return text.starts_with(own); };
  return begins("visual.") || std::ranges::any_of(families(), [&](const Family* family) {
           return std::ranges::any_of(family->wrappers, begins);
         });
}

// What all names begin with, up to a dot.
std::string common_beginning(const std::vector<std::string>& names) {
  if (names.empty()) return "";
  const auto [first, last] = std::ranges::minmax_element(names);
  size_t length = 0;
  while (length < std::min(first->size(), last->size()) && (*first)[length] == (*last)[length]) {
    ++length;
  }
  const size_t dot = first->substr(0, length).rfind('.');
  return dot == std::string::npos ? "" : first->substr(0, dot + 1);
}

// Up to the first part that belongs to the names themselves.
std::string before_own(const std::string& prefix) {
  for (size_t at = 0; at < prefix.size(); at = prefix.find('.', at) + 1) {
    if (begins_own(std::string_view(prefix).substr(at))) return prefix.substr(0, at);
  }
  return prefix;
}

bool is_known_without(const std::vector<std::string>& names, const std::string& prefix) {
  return std::ranges::any_of(names, [&](const std::string& name) {
    const auto canonical = canonical_name(name.substr(prefix.size()));
    return canonical && canonical->name.starts_with("blocks.");
  });
}

// No name may become another's.
bool can_go(const std::vector<std::string>& all, const std::string& prefix) {
  std::set<std::string_view> left;
  for (const std::string_view name : all) {
    if (!left.insert(name.starts_with(prefix) ? name.substr(prefix.size()) : name).second)
      return false;
  }
  return true;
}

}  // namespace

std::string wrapper_of(const std::vector<std::string>& names) {
  std::vector<std::string> model;
  for (const std::string& name : names) {
    if (!harmless_kind(name)) model.push_back(name);
  }
  if (model.empty()) model = names;  // all of a student, say
  const std::string common = common_beginning(model);
  for (const std::string& prefix : {before_own(common), common}) {
    if (is_known_without(model, prefix) && can_go(names, prefix)) return prefix;
  }
  return "";
}

}  // namespace fovea
