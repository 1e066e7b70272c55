#include "fovea/data/labelled.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <system_error>

#include "fovea/data/folder.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

bool is_split(const std::string& name) {
  constexpr std::array kSplits = {"train", "val", "valid", "validation", "test"};
  return std::find(kSplits.begin(), kSplits.end(), name) != kSplits.end();
}

// What lies in a folder itself.
struct Listing {
  std::vector<std::string> folders;  // sorted
  std::vector<std::string> files;    // of the medium, sorted
  LeftOut left_out = {};
};

void check_classes(const Listing& found, const std::string& root, Medium medium) {
  if (found.folders.empty()) {
    fail("{}: no folders in it; expected a folder of {} for each class, or a file of labels", root,
         many_of(medium));
  }
  if (!found.files.empty()) {
    fail("{}: lies beside {} class folders; expected every {} in the folder of its class",
         printable(found.files.front()), found.folders.size(), one_of(medium));
  }
  if (std::all_of(found.folders.begin(), found.folders.end(), is_split)) {
    fail("{}: its folders are no classes but splits; expected one of them, such as {}/{}", root,
         root, found.folders.front());
  }
  if (found.folders.size() == 1) {
    fail("{}: one class only, {}; expected a folder for each of at least two", root,
         printable(found.folders.front()));
  }
}

void take(const fs::path& path, const std::string& name, Medium medium, Listing& found) {
  std::error_code ignored;
  if (is_hidden(name)) {
    ++found.left_out.hidden;
  } else if (fs::is_directory(path, ignored)) {
    found.folders.push_back(name);
  } else if (is_of(path, medium)) {
    found.files.push_back(path.string());
  } else {
    found.left_out.add_file(name);
  }
}

Listing list(const fs::path& folder, Medium medium) {
  std::error_code error;
  Listing found;
  for (const std::string& name : names_in_folder(folder, error)) {
    take(folder / name, name, medium, found);
  }
  if (error) fail("{}: the folder can't be read: {}", folder.string(), error.message());
  std::sort(found.folders.begin(), found.folders.end());
  std::sort(found.files.begin(), found.files.end());
  return found;
}

}  // namespace

Labelled<fs::path> list_labelled(const fs::path& folder, const LabelledKind& kind) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    fail("{}: no such folder; expected one with a folder of {} for each class", folder.string(),
         many_of(kind.medium));
  }
  Listing found = list(folder, kind.medium);
  check_classes(found, folder.string(), kind.medium);
  Labelled<fs::path> labelled;
  labelled.classes = std::move(found.folders);
  labelled.left_out = std::move(found.left_out);
  for (size_t i = 0; i < labelled.classes.size(); ++i) {
    const fs::path path = folder / labelled.classes[i];
    const std::vector<fs::path> of_class = kind.allow_empty
                                               ? media_in(path, kind.medium, labelled.left_out)
                                               : list_media({path}, kind.medium, labelled.left_out);
    labelled.files.insert(labelled.files.end(), of_class.begin(), of_class.end());
    labelled.labels.resize(labelled.files.size(), static_cast<int>(i));
  }
  return labelled;
}

Labelled<int64_t> find_labelled(const std::vector<std::string>& names, const std::string& below,
                                const std::string& root, const LabelledKind& kind) {
  std::map<std::string, std::vector<int64_t>, std::less<>> classes;
  Listing found;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!names[i].starts_with(below)) continue;
    const std::string name = names[i].substr(below.size());
    const size_t slash = name.find('/');
    const bool in_class = slash != std::string::npos && !is_hidden(name.substr(0, slash));
    std::vector<int64_t>* of_class = in_class ? &classes[name.substr(0, slash)] : nullptr;
    if (name.empty() || name.back() == '/') continue;
    if (lies_hidden(name)) {
      ++found.left_out.hidden;
    } else if (!is_of(name, kind.medium)) {
      found.left_out.add_file(name);
    } else if (in_class) {
      of_class->push_back(static_cast<int64_t>(i));
    } else {
      found.files.push_back(root + ": " + names[i]);
    }
  }
  for (const auto& [name, files] : classes) found.folders.push_back(name);
  check_classes(found, root, kind.medium);
  Labelled<int64_t> labelled;
  labelled.left_out = std::move(found.left_out);
  for (auto& [name, files] : classes) {
    if (files.empty() && !kind.allow_empty) {
      fail("{}: no {} in its folder {}", root, endings_of(kind.medium), printable(below + name));
    }
    std::sort(files.begin(), files.end(),
              [&](int64_t a, int64_t b) { return names[a] < names[b]; });
    labelled.files.insert(labelled.files.end(), files.begin(), files.end());
    labelled.labels.resize(labelled.files.size(), static_cast<int>(labelled.classes.size()));
    labelled.classes.push_back(name);
  }
  return labelled;
}

}  // namespace fovea
