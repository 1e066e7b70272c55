#include "fovea/report/class_match.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <system_error>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

constexpr int kNone = -1;

// The names that classes can be called by, the surest first: as a whole before one between commas,
// exact before those that are the same but for case, blanks and underscores.
class Names {
 public:
  explicit Names(const ClassNames& known) {
    for (const std::vector<std::string>* names : {&known.names, &known.ids}) {
      for (size_t i = 0; i < names->size(); ++i) add((*names)[i], static_cast<int>(i));
    }
  }

  // The class of a name; kNone where it is none's, or several classes'.
  int find(const std::string& name) const {
    for (size_t i = 0; i < maps_.size(); ++i) {
      const auto found = maps_[i].find(i < kFolded ? name : folded_name(name));
      if (found != maps_[i].end()) return found->second;
    }
    return kNone;
  }

 private:
  using Map = std::map<std::string, int>;
  static constexpr size_t kFolded = 2;  // the first map of folded names

  static void add_to(Map& names, const std::string& name, int index) {
    if (name.empty()) return;
    const auto [place, is_new] = names.emplace(name, index);
    if (!is_new && place->second != index) place->second = kNone;
  }

  void add(const std::string& label, int index) {
    add_to(maps_[0], label, index);
    add_to(maps_[kFolded], folded_name(label), index);
    for (const std::string& name : names_in(label)) {
      add_to(maps_[1], name, index);
      add_to(maps_[kFolded + 1], folded_name(name), index);
    }
  }

  std::array<Map, 4> maps_;  // kNone where two classes share a name
};

std::string what(NamedBy named_by) {
  return named_by == NamedBy::folders ? "class folder" : "label";
}

// The whole number that a name is; kNone where it is none below `classes`.
int number_of(const std::string& name, int classes) {
  int number = 0;
  const char* const end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data(), end, number);
  const bool fits = error == std::errc() && rest == end && number >= 0 && number < classes;
  return fits && name.front() != '-' ? number : kNone;
}

// Throws where two folders mean one class.
void check_distinct(const std::vector<std::string>& names, const std::vector<int>& classes) {
  std::map<int, std::string> taken;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto [other, is_new] = taken.emplace(classes[i], names[i]);
    if (is_new) continue;
    fail("class folders {} and {} mean the same class, {}; expected one folder for a class",
         printable(other->second), printable(names[i]), classes[i]);
  }
}

std::vector<int> by_number(const std::vector<std::string>& names, int classes) {
  std::vector<int> numbers;
  numbers.reserve(names.size());
  for (const std::string& name : names) numbers.push_back(number_of(name, classes));
  return numbers;
}

std::vector<int> by_order(size_t count) {
  std::vector<int> numbers(count);
  for (size_t i = 0; i < count; ++i) numbers[i] = static_cast<int>(i);
  return numbers;
}

bool any_known(const std::vector<int>& classes) {
  return std::any_of(classes.begin(), classes.end(), [](int c) { return c != kNone; });
}

bool are_known(const std::vector<int>& classes) {
  return std::none_of(classes.begin(), classes.end(), [](int c) { return c == kNone; });
}

ClassesBy choose(const std::vector<std::string>& names, const std::vector<int>& named,
                 const ClassNames& known, int classes, NamedBy named_by) {
  if (any_known(named)) return ClassesBy::name;
  const bool is_every_class = names.size() == static_cast<size_t>(classes);
  const bool are_numbers = are_known(by_number(names, classes));
  if (are_numbers && (is_every_class || named_by == NamedBy::labels)) return ClassesBy::number;
  if (is_every_class) return ClassesBy::order;
  fail(
      "{} {}s, none of them called as one of the model's labels ({} for {} classes); expected "
      "labels, {}",
      names.size(), what(named_by), known.names.size(), classes,
      are_numbers ? "or --classes number"
                  : fmt::format("or one {} for every class", what(named_by)));
}

// The first name without a class.
const std::string& first_unknown(const std::vector<std::string>& names,
                                 const std::vector<int>& classes) {
  const auto place = std::find(classes.begin(), classes.end(), kNone);
  return names[static_cast<size_t>(place - classes.begin())];
}

}  // namespace

ClassMatch match_classes(const std::vector<std::string>& names, const ClassNames& known,
                         int classes, NamedBy named_by, std::optional<ClassesBy> by) {
  std::vector<int> named;
  const Names all(known);
  for (const std::string& name : names) named.push_back(all.find(name));
  ClassMatch match;
  match.by = by ? *by : choose(names, named, known, classes, named_by);
  if (match.by == ClassesBy::name) {
    match.classes = std::move(named);
    if (!are_known(match.classes)) {
      fail("{} {}: none of the model's {} labels, or several of them; expected names of labels",
           what(named_by), printable(first_unknown(names, match.classes)), known.names.size());
    }
  } else if (match.by == ClassesBy::number) {
    match.classes = by_number(names, classes);
    if (!are_known(match.classes)) {
      fail("{} {}: expected whole numbers from 0 to {}, as --classes number says", what(named_by),
           printable(first_unknown(names, match.classes)), classes - 1);
    }
  } else {
    if (names.size() != static_cast<size_t>(classes)) {
      fail("{} {}s; expected {}, one for every class, as --classes order says", names.size(),
           what(named_by), classes);
    }
    match.classes = by_order(names.size());
  }
  if (named_by == NamedBy::folders) check_distinct(names, match.classes);
  return match;
}

}  // namespace fovea
