// Labels of a config.json: timm's list and transformers' map.
#include <charconv>

#include "fovea/model/config_keys.h"

namespace fovea {
namespace {

using nlohmann::json;
using Keys = ConfigKeys;

constexpr const char* kLabelNames = "a list of texts, or an object of texts under their numbers";

// timm's {"0": "n01440764", ...}, which may have gaps: classes without a name.
std::vector<std::string> labels_by_number(const Keys& keys, const json& names) {
  constexpr size_t kMostLabels = 1'000'000;
  std::vector<std::string> labels;
  for (const auto& [number, name] : names.items()) {
    size_t index = kMostLabels;
    const char* const end = number.data() + number.size();
    const auto [rest, error] = std::from_chars(number.data(), end, index);
    const bool fits = error == std::errc() && rest == end && index < kMostLabels;
    if (!fits || !name.is_string()) keys.refuse("label_names", kLabelNames);
    if (index >= labels.size()) labels.resize(index + 1);
    labels[index] = name.get<std::string>();
  }
  return labels;
}

void read_label_list(const Keys& keys, Config& config) {
  const json* names = keys.find("label_names");
  if (names == nullptr) return;
  if (names->is_object()) {
    config.labels = labels_by_number(keys, *names);
    return;
  }
  if (!names->is_array()) keys.refuse("label_names", kLabelNames);
  config.labels.clear();
  for (const json& name : *names) {
    if (!name.is_string()) keys.refuse("label_names", kLabelNames);
    config.labels.push_back(name.get<std::string>());
  }
}

void read_label_descriptions(const Keys& keys, Config& config) {
  const json* texts = keys.find("label_descriptions");
  if (texts == nullptr) return;
  constexpr const char* kExpected = "an object of texts under the labels' names";
  if (!texts->is_object()) keys.refuse("label_descriptions", kExpected);
  for (const auto& [label, text] : texts->items()) {
    if (!text.is_string()) keys.refuse("label_descriptions", kExpected);
    config.label_descriptions[label] = text.get<std::string>();
  }
}

void read_problem_type(const Keys& keys, Config& config) {
  const auto type = keys.text("problem_type");
  if (!type || *type == "single_label_classification") return;
  if (*type != "multi_label_classification" && *type != "regression") {
    keys.refuse("problem_type",
                "single_label_classification, multi_label_classification or regression");
  }
  config.problem_type = *type == "regression" ? ProblemType::regression : ProblemType::multi_label;
}

// transformers' {"0": "tench", ...}, in any order.
void read_label_map(const Keys& keys, Config& config) {
  const json* names = keys.find("id2label");
  if (names == nullptr) return;
  constexpr const char* kExpected = "an object of texts under the numbers from 0";
  if (!names->is_object()) keys.refuse("id2label", kExpected);
  config.labels.clear();
  for (size_t i = 0; i < names->size(); ++i) {
    const auto name = names->find(std::to_string(i));
    if (name == names->end() || !name->is_string()) keys.refuse("id2label", kExpected);
    config.labels.push_back(name->get<std::string>());
  }
}

}  // namespace

void read_labels(const ConfigKeys& top, const ConfigKeys& pretrained, Config& config) {
  for (const Keys* keys : {&top, &pretrained}) {
    read_label_list(*keys, config);
    read_label_descriptions(*keys, config);
  }
  read_label_map(top, config);
  read_problem_type(top, config);
}

}  // namespace fovea
