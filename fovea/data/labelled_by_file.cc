// What a file of labels names, in a folder or a zip.
#include <algorithm>
#include <set>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "fovea/data/folder.h"
#include "fovea/data/label_file.h"
#include "fovea/data/labelled.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_to_find(const fs::path& labels, const LabelFile::Line& line,
                               const std::string& root) {
  fail("{}: line {}: no {} in {}; expected paths relative to that", labels.string(), line.number,
       printable(line.picture), root);
}

// All but the files themselves.
template <class File>
Labelled<File> labels_of(LabelFile& file) {
  Labelled<File> labelled;
  labelled.classes = std::move(file.labels);
  const auto has_several = [](const LabelFile::Line& line) { return line.labels.size() > 1; };
  const bool any = std::any_of(file.lines.begin(), file.lines.end(), has_several);
  for (LabelFile::Line& line : file.lines) {
    labelled.labels.push_back(line.labels.front());
    if (any) labelled.all_labels.push_back(std::move(line.labels));
  }
  return labelled;
}

}  // namespace

Labelled<fs::path> list_by_file(const fs::path& folder, const fs::path& labels, Medium medium) {
  LabelFile file = read_label_file(labels);
  Labelled<fs::path> labelled = labels_of<fs::path>(file);
  std::set<fs::path> named;
  for (const LabelFile::Line& line : file.lines) {
    const fs::path picture = folder / line.picture;
    std::error_code ignored;
    const fs::file_status status = fs::status(picture, ignored);
    const bool is_clip = medium == Medium::video && fs::is_directory(status);
    if (!fs::exists(status) || (fs::is_directory(status) && !is_clip)) {
      fail_to_find(labels, line, folder.string());
    }
    labelled.files.push_back(picture);
    named.insert(picture.lexically_normal());
  }
  for (const fs::path& picture : media_in(folder, medium, labelled.left_out)) {
    labelled.left_out.unlabelled += named.contains(picture.lexically_normal()) ? 0 : 1;
  }
  return labelled;
}

Labelled<int64_t> find_by_file(const std::vector<std::string>& names, const std::string& below,
                               const std::string& root, const fs::path& labels, Medium medium) {
  LabelFile file = read_label_file(labels);
  Labelled<int64_t> labelled = labels_of<int64_t>(file);
  std::unordered_map<std::string, int64_t> places;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].starts_with(below) && !names[i].ends_with('/')) {
      places[names[i].substr(below.size())] = static_cast<int64_t>(i);
    }
  }
  std::set<std::string> named;
  for (const LabelFile::Line& line : file.lines) {
    const std::string name = fs::path(line.picture).lexically_normal().generic_string();
    const auto place = places.find(name);
    if (place == places.end()) fail_to_find(labels, line, root);
    labelled.files.push_back(place->second);
    named.insert(name);
  }
  for (const auto& [name, place] : places) {
    if (named.contains(name)) continue;
    if (lies_hidden(name)) {
      ++labelled.left_out.hidden;
    } else if (is_of(name, medium)) {
      ++labelled.left_out.unlabelled;
    } else {
      labelled.left_out.add_file(name);
    }
  }
  return labelled;
}

}  // namespace fovea
