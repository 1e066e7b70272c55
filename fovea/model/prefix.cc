#include "fovea/model/prefix.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "fovea/model/names.h"

namespace fovea {
namespace {

// Prefixes by which libraries name their models' parts.
constexpr std::string_view kOwn[] = {
    "vit.",          "deit.",  "beit.", "data2vec_vision.", "dinov2.", "dinov2_with_registers.",
    "vision_model.", "visual."};

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
    for (const std::string_view own : kOwn) {
      if (prefix.compare(at, own.size(), own) == 0) return prefix.substr(0, at);
    }
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
    if (!prefix.empty() && is_known_without(model, prefix) && can_go(names, prefix)) return prefix;
  }
  return "";
}

}  // namespace fovea
