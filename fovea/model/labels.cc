#include "fovea/model/labels.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string_view>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

struct ImageNetClass {
  std::string_view synset, names;
};

constexpr std::array kImageNet = std::to_array<ImageNetClass>({
#include "fovea/model/imagenet_classes.inc"
});

// Null where it is none of ImageNet's.
const ImageNetClass* find_synset(const std::string& synset) {
  const auto found = std::lower_bound(
      kImageNet.begin(), kImageNet.end(), synset,
      [](const ImageNetClass& known, const std::string& name) { return known.synset < name; });
  return found == kImageNet.end() || found->synset != synset ? nullptr : &*found;
}

// Whether a label begins with one of the names.
bool is_called(const std::string& label, std::string_view names) {
  const std::string first = folded_name(names_in(label).front());
  for (const std::string& name : names_in(std::string(names))) {
    if (folded_name(name) == first) return true;
  }
  return false;
}

// Lists differ in the names of a few classes, but not in their order.
bool are_imagenets(const std::vector<std::string>& labels) {
  if (labels.size() != kImageNet.size()) return false;
  size_t same = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    same += is_called(labels[i], kImageNet[i].names) ? 1 : 0;
  }
  return same * 10 >= labels.size() * 9;
}

// transformers' stand-ins for labels: LABEL_0, LABEL_1, ...
bool are_stand_ins(const std::vector<std::string>& labels) {
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != fmt::format("LABEL_{}", i)) return false;
  }
  return true;
}

std::vector<std::string> imagenet_synsets() {
  std::vector<std::string> synsets;
  for (const ImageNetClass& known : kImageNet) synsets.emplace_back(known.synset);
  return synsets;
}

// What config.json, or else ImageNet, says of a label; the label itself where neither does.
std::string described(const std::string& label, const Config& config) {
  const auto said = config.label_descriptions.find(label);
  if (said != config.label_descriptions.end()) return said->second;
  const ImageNetClass* known = find_synset(label);
  return known == nullptr ? label : std::string(known->names);
}

}  // namespace

ClassNames class_names(const Config& config, int classes) {
  ClassNames result;
  const std::vector<std::string>& labels = config.labels;
  const bool fits = labels.size() == static_cast<size_t>(classes);
  if (classes == static_cast<int>(kImageNet.size()) &&
      (labels.empty() || (fits && are_stand_ins(labels)))) {
    for (const ImageNetClass& known : kImageNet) result.names.emplace_back(known.names);
    result.ids = imagenet_synsets();
    result.is_assumed = true;
    return result;
  }
  if (!fits) return result;
  for (const std::string& label : labels) result.names.push_back(described(label, config));
  if (result.names != labels) {
    result.ids = labels;
  } else if (are_imagenets(labels)) {
    result.ids = imagenet_synsets();
  }
  return result;
}

std::vector<double> probabilities(std::span<const float> logits, ProblemType type) {
  if (type == ProblemType::regression) {
    fail("config.json: problem_type is regression, whose values are no probabilities of classes");
  }
  std::vector<double> result(logits.begin(), logits.end());
  if (type == ProblemType::multi_label) {
    for (double& value : result) value = 1 / (1 + std::exp(-value));
    return result;
  }
  const double largest = *std::max_element(result.begin(), result.end());
  double sum = 0;
  for (double& value : result) sum += value = std::exp(value - largest);
  for (double& value : result) value /= sum;
  return result;
}

std::string folded_name(const std::string& name) {
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

std::vector<std::string> names_in(const std::string& label) {
  std::vector<std::string> names;
  for (size_t begin = 0; begin <= label.size();) {
    const size_t end = std::min(label.find(',', begin), label.size());
    const std::string name = label.substr(begin, end - begin);
    const size_t first = std::min(name.find_first_not_of(' '), name.size());
    names.push_back(name.substr(first, name.find_last_not_of(' ') + 1 - first));
    begin = end + 1;
  }
  return names;
}

}  // namespace fovea
