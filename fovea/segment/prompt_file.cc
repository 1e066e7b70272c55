#include "fovea/segment/prompt_file.h"

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/json.h"
#include "fovea/io/npy.h"

namespace fovea {
namespace {

using nlohmann::json;

// The values of one prompt's object, with a clear line for whatever does not fit.
class PromptReader {
 public:
  PromptReader(const json& object, std::string where) : object_(object), where_(std::move(where)) {}

  FilePrompt read(bool multimask) const {
    check_keys();
    FilePrompt read;
    Prompt& prompt = read.prompt;
    prompt.name = text("name");
    read.picture = text("file");
    read.mask = text("mask");
    prompt.multimask = multimask;
    if (const json* flag = find("multimask")) {
      if (!flag->is_boolean()) refuse("multimask", "true or false");
      prompt.multimask = flag->get<bool>();
    }
    read_points(prompt);
    if (const json* box = find("box")) prompt.box = numbers<4>(*box, "box", "[x0, y0, x1, y1]");
    if (prompt.points.empty() && !prompt.box && read.mask.empty()) {
      fail("{}: asks for nothing; expected points, a box or a mask", where_);
    }
    return read;
  }

 private:
  [[noreturn]] void refuse(const char* key, const char* expected) const {
    fail("{}: {} is {}; expected {}", where_, key, printable_json(object_.at(key)), expected);
  }

  void check_keys() const {
    const std::set<std::string> known = {"name", "file", "points",   "labels",
                                         "box",  "mask", "multimask"};
    for (const auto& [key, value] : object_.items()) {
      if (known.contains(key)) continue;
      fail("{}: has the key {}; expected name, file, points, labels, box, mask or multimask",
           where_, printable(key));
    }
  }

  // Null where there is none.
  const json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  // Empty where there is none.
  std::string text(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return "";
    const bool fits = value->is_string() && !value->get_ref<const std::string&>().empty();
    if (!fits) refuse(key, "a text");
    return value->get<std::string>();
  }

  template <size_t kCount>
  std::array<float, kCount> numbers(const json& list, const char* key, const char* expected) const {
    std::array<float, kCount> values;
    if (!list.is_array() || list.size() != kCount) refuse(key, expected);
    for (size_t i = 0; i < kCount; ++i) {
      if (!list[i].is_number()) refuse(key, expected);
      values[i] = list[i].get<float>();
    }
    return values;
  }

  void read_points(Prompt& prompt) const {
    constexpr const char* kPoints = "[[x, y], ...]";
    constexpr const char* kLabels = "[...], 1 or 0 for each point";
    const json* points = find("points");
    const json* labels = find("labels");
    if (points != nullptr) {
      if (!points->is_array()) refuse("points", kPoints);
      for (const json& point : *points) {
        prompt.points.push_back(numbers<2>(point, "points", kPoints));
      }
    }
    prompt.labels.assign(prompt.points.size(), 1);
    if (labels == nullptr) return;
    if (!labels->is_array() || labels->size() != prompt.points.size()) refuse("labels", kLabels);
    for (size_t i = 0; i < labels->size(); ++i) {
      const json& label = (*labels)[i];
      if (label != 0 && label != 1) refuse("labels", kLabels);
      prompt.labels[i] = label.get<int>();
    }
  }

  const json& object_;
  std::string where_;  // file and number of the prompt, for messages
};

// Called with the object of every prompt and where it stands.
template <typename Take>
void for_each_object(const std::string& text, const std::string& name, const Take& take) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) fail("{}: holds no prompt", name);
  if (text[begin] == '[') {
    const json list = parse_json_array(text, name);
    for (size_t i = 0; i < list.size(); ++i) take(list[i], fmt::format("{}: prompt {}", name, i));
    return;
  }
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = fmt::format("{}: line {}", name, number);
    take(parse_json_object(line, where), where);
  }
}

Array read_mask(const std::filesystem::path& path) {
  Array mask = read_npy(path);
  if (mask.shape.size() == 2) mask.shape.insert(mask.shape.begin(), 1);
  const Shape& s = mask.shape;
  if (s.size() != 3 || s[0] != 1 || s[1] != s[2] || s[1] < 1) {
    fail("{}: is {}; expected the logits of one mask, [1, S/4, S/4]", path.string(), to_string(s));
  }
  return mask;
}

}  // namespace

std::vector<FilePrompt> parse_prompts(const std::string& text, const std::string& name,
                                      bool multimask) {
  std::vector<FilePrompt> prompts;
  std::set<std::pair<std::string, std::string>> names;  // by picture
  for_each_object(text, name, [&](const json& object, const std::string& where) {
    if (!object.is_object()) {
      fail("{}: is {}; expected an object", where, printable_json(object));
    }
    FilePrompt prompt = PromptReader(object, where).read(multimask);
    const std::string& called = prompt.prompt.name;
    if (!called.empty() && !names.emplace(prompt.picture.string(), called).second) {
      fail("{}: is called {} as one before it; expected another name", where, printable(called));
    }
    prompts.push_back(std::move(prompt));
  });
  if (prompts.empty()) fail("{}: holds no prompt", name);
  return prompts;
}

std::vector<FilePrompt> read_prompts(const std::filesystem::path& path, bool multimask) {
  std::vector<FilePrompt> prompts = parse_prompts(read_text(path), path.string(), multimask);
  for (FilePrompt& prompt : prompts) {
    if (!prompt.picture.empty()) prompt.picture = path.parent_path() / prompt.picture;
    if (prompt.mask.empty()) continue;
    prompt.mask = path.parent_path() / prompt.mask;
    prompt.prompt.mask = read_mask(prompt.mask);
  }
  return prompts;
}

}  // namespace fovea
