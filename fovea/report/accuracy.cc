#include "fovea/report/accuracy.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

// Small letters, one blank for any run of blanks and underscores, none at the ends.
std::string folded(const std::string& name) {
  std::string result;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '_' || std::isspace(byte) != 0) {
      if (!result.empty() && result.back() != ' ') result.push_back(' ');
    } else {
      result.push_back(static_cast<char>(std::tolower(byte)));
    }
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

// Without the blanks at its ends.
std::string trimmed(const std::string& name) {
  const size_t begin = name.find_first_not_of(' ');
  if (begin == std::string::npos) return "";
  return name.substr(begin, name.find_last_not_of(' ') + 1 - begin);
}

// The names that labels can be called by: the exact ones before those that are the same but for
// case, blanks and underscores.
class Names {
 public:
  explicit Names(const std::vector<std::string>& labels) {
    for (size_t i = 0; i < labels.size(); ++i) {
      add(labels[i], static_cast<int>(i));
      for (size_t begin = 0; begin <= labels[i].size();) {
        const size_t end = std::min(labels[i].find(',', begin), labels[i].size());
        add(trimmed(labels[i].substr(begin, end - begin)), static_cast<int>(i));
        begin = end + 1;
      }
    }
  }

  // The class of a name; -1 where it is none's, or several labels'.
  int find(const std::string& name) const {
    const int exact = find_in(exact_, name);
    return exact >= 0 ? exact : find_in(folded_, folded(name));
  }

 private:
  using Map = std::map<std::string, int>;

  static void add_to(Map& names, const std::string& name, int index) {
    const auto [place, is_new] = names.emplace(name, index);
    if (!is_new && place->second != index) place->second = -1;
  }
  static int find_in(const Map& names, const std::string& name) {
    const auto found = names.find(name);
    return found == names.end() ? -1 : found->second;
  }
  void add(const std::string& name, int index) {
    add_to(exact_, name, index);
    add_to(folded_, folded(name), index);
  }

  Map exact_, folded_;  // -1 where two labels share a name
};

}  // namespace

ClassMatch match_classes(const std::vector<std::string>& folders,
                         const std::vector<std::string>& labels, int classes) {
  const Names names(labels);
  ClassMatch match;
  std::map<int, std::string> taken;
  std::string unknown;
  for (const std::string& folder : folders) {
    const int index = names.find(folder);
    match.classes.push_back(index);
    if (index < 0) {
      if (unknown.empty()) unknown = folder;
      continue;
    }
    const auto [other, is_new] = taken.emplace(index, folder);
    if (!is_new) {
      fail("class folders {} and {} mean the same label, {}; expected one folder for a class",
           other->second, folder, labels[index]);
    }
  }
  match.by_label = !taken.empty();
  if (match.by_label && unknown.empty()) return match;
  if (match.by_label) {
    fail(
        "class folder {}: none of the model's {} labels, or several of them; expected names of "
        "labels",
        unknown, labels.size());
  }
  if (folders.size() != static_cast<size_t>(classes)) {
    fail(
        "{} class folders, none of them called as one of the model's labels ({} for {} classes); "
        "expected labels, or a folder for every class",
        folders.size(), labels.size(), classes);
  }
  for (size_t i = 0; i < folders.size(); ++i) match.classes[i] = static_cast<int>(i);
  return match;
}

void Accuracy::add(std::span<const float> scores, int right) {
  int higher = 0;
  for (int i = 0; i < static_cast<int>(scores.size()); ++i) {
    higher += scores[i] > scores[right] || (scores[i] == scores[right] && i < right) ? 1 : 0;
  }
  ++images;
  first += higher == 0 ? 1 : 0;
  among_five += higher < 5 ? 1 : 0;
}

void Accuracy::add_votes(std::span<const float> votes, int right) {
  if (votes[right] > 0) {
    add(votes, right);
  } else {
    ++images;
  }
}

}  // namespace fovea
