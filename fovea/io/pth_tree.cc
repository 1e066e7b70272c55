#include "fovea/io/pth_tree.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/io/fail.h"
#include "fovea/io/pth_globals.h"

namespace fovea {
namespace {

using Id = Pickle::Id;
using Kind = Pickle::Kind;

constexpr const char* kNested[] = {"state_dict_ema", "model_ema", "state_dict", "model",
                                   "teacher",        "module",    "net"};
constexpr int kDeepest = 4;

// Of the values whose keys are texts.
std::vector<std::pair<std::string, Id>> entries(const Pickle& pickle, Id dict) {
  std::vector<std::pair<std::string, Id>> all;
  if (pickle.kind(dict) != Kind::dict) return all;
  const std::vector<Id> items = pickle.items(dict);
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (pickle.kind(items[i]) == Kind::text) all.emplace_back(pickle.text(items[i]), items[i + 1]);
  }
  return all;
}

// As in Python, what was set last counts.
std::optional<Id> value_of(const Pickle& pickle, Id dict, std::string_view key) {
  std::optional<Id> value;
  for (const auto& [name, id] : entries(pickle, dict)) {
    if (name == key) value = id;
  }
  return value;
}

// "model (a dict of 152), epoch (the number 299)"
std::string listing(const Pickle& pickle, Id dict) {
  constexpr size_t kMost = 10;
  std::string text;
  const auto all = entries(pickle, dict);
  for (size_t i = 0; i < std::min(kMost, all.size()); ++i) {
    text += fmt::format("{}{} ({})", i == 0 ? "" : ", ", printable(all[i].first),
                        pickle.describe(all[i].second));
  }
  if (all.size() > kMost) text += fmt::format(" and {} more", all.size() - kMost);
  return text.empty() ? "nothing under a name" : text;
}

class Search {
 public:
  explicit Search(const Pickle& pickle) : pickle_(pickle) {}

  // The dict at or below `dict`, and in path_ the names that lead to it.
  std::optional<Id> find(Id dict, int depth) {
    if (pickle_.kind(dict) != Kind::dict || !seen_.insert(dict).second) return std::nullopt;
    const auto all = entries(pickle_, dict);
    const auto tensors = std::ranges::count_if(
        all, [this](const auto& entry) { return is_tensor(pickle_, entry.second); });
    if (tensors > 0 && static_cast<size_t>(tensors) == all.size()) return dict;
    if (depth < kDeepest) {
      if (const auto below = find_below(dict, depth)) return below;
    }
    return tensors > 0 ? std::optional(dict) : std::nullopt;
  }

  std::optional<std::string> note;

 private:
  std::optional<Id> find_below(Id dict, int depth) {
    std::optional<Id> chosen;
    std::string name;
    for (const char* key : kNested) {
      const auto value = value_of(pickle_, dict, key);
      const auto found = value ? find(*value, depth + 1) : std::nullopt;
      if (found && !chosen) {
        chosen = found;
        name = key;
      } else if (found && !note) {
        note = fmt::format("its tensors are those under {}; {} has some too: --key {}", name, key,
                           key);
      }
    }
    return chosen;
  }

  const Pickle& pickle_;
  std::set<Id> seen_;
};

// The value that "a.b" leads to; a name may hold dots itself.
Id follow(const Pickle& pickle, const std::string& key, const std::string& name) {
  Id at = pickle.root();
  std::string_view rest = key;
  while (!rest.empty()) {
    size_t length = rest.size();
    std::optional<Id> next = value_of(pickle, at, rest);
    while (!next) {
      const size_t dot = rest.rfind('.', length - 1);
      if (dot == std::string_view::npos || dot == 0) {
        fail("{}: --key {}: {} is not there; expected one of {}", name, printable(key),
             printable(rest), listing(pickle, at));
      }
      length = dot;
      next = value_of(pickle, at, rest.substr(0, length));
    }
    at = *next;
    rest.remove_prefix(std::min(rest.size(), length + 1));
  }
  return at;
}

}  // namespace

bool is_tensor(const Pickle& pickle, Id id) {
  return pickle.kind(id) == Kind::object && makes_tensor(pickle.text(pickle.first(id)));
}

FoundDict find_tensors(const Pickle& pickle, const std::string& key, const std::string& name) {
  const Id from = follow(pickle, key, name);
  Search search(pickle);
  if (const auto found = search.find(from, 0)) return {*found, std::move(search.note)};
  const std::string where = key.empty() ? name : fmt::format("{}: --key {}", name, printable(key));
  if (pickle.kind(from) != Kind::dict) {
    fail("{}: is {}; expected a dict of tensors", where, pickle.describe(from));
  }
  fail(
      "{}: no dict of tensors where checkpoints have it; it holds {}; expected --key NAME of one "
      "that has them",
      where, listing(pickle, from));
}

}  // namespace fovea
