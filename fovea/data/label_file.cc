#include "fovea/data/label_file.h"

#include <algorithm>
#include <map>
#include <utility>

#include "fovea/io/csv.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"

namespace fovea {
namespace {

// The parts that "|" separates.
std::vector<std::string> split_labels(const std::string& field) {
  std::vector<std::string> labels;
  for (size_t begin = 0; begin <= field.size();) {
    const size_t end = std::min(field.find('|', begin), field.size());
    labels.push_back(field.substr(begin, end - begin));
    begin = end + 1;
  }
  return labels;
}

}  // namespace

LabelFile read_label_file(const std::filesystem::path& path) {
  return parse_label_file(read_text(path, size_t{1} << 32), path.string());
}

LabelFile parse_label_file(const std::string& text, const std::string& name) {
  std::vector<std::vector<std::string>> labels;  // of each line
  std::map<std::string, int> numbers;            // of each label
  std::map<std::string, size_t> seen;            // the line of each picture
  LabelFile file;
  parse_csv(text, name, [&](const std::vector<std::string>& fields, size_t line) {
    if (fields.size() != 2 || fields[0].empty() || fields[1].empty()) {
      fail("{}: line {} is no path,label; expected two fields, neither empty", name, line);
    }
    if (seen.empty() && fields[0] == "path" && fields[1] == "label") return;
    const auto [before, is_new] = seen.emplace(fields[0], line);
    if (!is_new) {
      fail("{}: line {}: {} has its labels in line {}; expected one line for a picture", name, line,
           printable(fields[0]), before->second);
    }
    labels.push_back(split_labels(fields[1]));
    for (const std::string& label : labels.back()) numbers[label];
    file.lines.push_back({fields[0], {}, line});
  });
  if (file.lines.empty()) fail("{}: no line path,label in it", name);
  for (auto& [label, number] : numbers) {
    number = static_cast<int>(file.labels.size());
    file.labels.push_back(label);
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    std::vector<int>& of_line = file.lines[i].labels;
    for (const std::string& label : labels[i]) of_line.push_back(numbers[label]);
    std::sort(of_line.begin(), of_line.end());
    of_line.erase(std::unique(of_line.begin(), of_line.end()), of_line.end());
  }
  return file;
}

}  // namespace fovea
