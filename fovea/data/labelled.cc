#include "fovea/data/labelled.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <system_error>

#include "fovea/data/folder.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

bool is_split(const std::string& name) {
  constexpr std::array kSplits = {"train", "val", "valid", "validation", "test"};
  return std::find(kSplits.begin(), kSplits.end(), name) != kSplits.end();
}

// What lies in a folder itself.
struct Listing {
  std::vector<std::string> folders;   // sorted
  std::vector<std::string> pictures;  // sorted
  LeftOut left_out = {};
};

void check_classes(const Listing& found, const std::string& root) {
  if (found.folders.empty()) {
    fail("{}: no folders in it; expected a folder of pictures for each class, or a file of labels",
         root);
  }
  if (!found.pictures.empty()) {
    fail("{}: lies beside {} class folders; expected every picture in the folder of its class",
         printable(found.pictures.front()), found.folders.size());
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

void take(const fs::directory_entry& entry, Listing& found) {
  std::error_code ignored;
  const std::string name = entry.path().filename().string();
  if (is_hidden(name)) {
    ++found.left_out.hidden;
  } else if (entry.is_directory(ignored)) {
    found.folders.push_back(name);
  } else if (is_picture(entry.path())) {
    found.pictures.push_back(entry.path().string());
  } else {
    found.left_out.add_file(name);
  }
}

Listing list(const fs::path& folder) {
  Listing found;
  // Not by increment(error), which allocates though it may not throw.
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) take(entry, found);
  } catch (const fs::filesystem_error& error) {
    fail("{}: the folder can't be read: {}", folder.string(), error.code().message());
  }
  std::sort(found.folders.begin(), found.folders.end());
  std::sort(found.pictures.begin(), found.pictures.end());
  return found;
}

}  // namespace

Labelled<fs::path> list_labelled(const fs::path& folder, bool allow_empty) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    fail("{}: no such folder; expected one with a folder of pictures for each class",
         folder.string());
  }
  Listing found = list(folder);
  check_classes(found, folder.string());
  Labelled<fs::path> labelled;
  labelled.classes = std::move(found.folders);
  labelled.left_out = std::move(found.left_out);
  for (size_t i = 0; i < labelled.classes.size(); ++i) {
    const fs::path path = folder / labelled.classes[i];
    const std::vector<fs::path> of_class = allow_empty ? pictures_in(path, labelled.left_out)
                                                       : list_pictures({path}, labelled.left_out);
    labelled.pictures.insert(labelled.pictures.end(), of_class.begin(), of_class.end());
    labelled.labels.resize(labelled.pictures.size(), static_cast<int>(i));
  }
  return labelled;
}

Labelled<int64_t> find_labelled(const std::vector<std::string>& names, const std::string& below,
                                const std::string& root, bool allow_empty) {
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
    } else if (!is_picture(name)) {
      found.left_out.add_file(name);
    } else if (in_class) {
      of_class->push_back(static_cast<int64_t>(i));
    } else {
      found.pictures.push_back(root + ": " + names[i]);
    }
  }
  for (const auto& [name, pictures] : classes) found.folders.push_back(name);
  check_classes(found, root);
  Labelled<int64_t> labelled;
  labelled.left_out = std::move(found.left_out);
  for (auto& [name, pictures] : classes) {
    if (pictures.empty() && !allow_empty) {
      fail("{}: no {} in its folder {}", root, picture_endings(), printable(below + name));
    }
    std::sort(pictures.begin(), pictures.end(),
              [&](int64_t a, int64_t b) { return names[a] < names[b]; });
    labelled.pictures.insert(labelled.pictures.end(), pictures.begin(), pictures.end());
    labelled.labels.resize(labelled.pictures.size(), static_cast<int>(labelled.classes.size()));
    labelled.classes.push_back(name);
  }
  return labelled;
}

}  // namespace fovea
