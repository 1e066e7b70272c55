#include "fovea/data/labelled.h"

#include <algorithm>
#include <system_error>

#include "fovea/data/folder.h"
#include "fovea/io/error.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

// What lies in a folder itself.
struct Listing {
  std::vector<std::string> folders;
  std::vector<fs::path> pictures;
};

Listing list(const fs::path& folder) {
  std::error_code error;
  Listing found;
  for (auto entry = fs::directory_iterator(folder, error); !error; entry.increment(error)) {
    if (entry == fs::directory_iterator()) break;
    std::error_code ignored;
    if (entry->is_directory(ignored)) {
      found.folders.push_back(entry->path().filename().string());
    } else if (is_picture(entry->path())) {
      found.pictures.push_back(entry->path());
    }
  }
  if (error) fail("{}: the folder can't be read: {}", folder.string(), error.message());
  std::sort(found.folders.begin(), found.folders.end());
  std::sort(found.pictures.begin(), found.pictures.end());
  return found;
}

}  // namespace

LabelledPictures list_labelled(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    fail("{}: no such folder; expected one with a folder of pictures for each class",
         folder.string());
  }
  const Listing found = list(folder);
  if (found.folders.empty()) {
    fail("{}: no folders in it; expected a folder of pictures for each class", folder.string());
  }
  if (!found.pictures.empty()) {
    fail("{}: lies beside {} class folders; expected every picture in the folder of its class",
         found.pictures.front().string(), found.folders.size());
  }
  if (found.folders.size() == 1) {
    fail("{}: one class only, {}; expected a folder for each of at least two", folder.string(),
         found.folders.front());
  }
  LabelledPictures labelled;
  labelled.names = found.folders;
  for (size_t i = 0; i < labelled.names.size(); ++i) {
    const std::vector<fs::path> of_class = list_pictures({folder / labelled.names[i]});
    labelled.paths.insert(labelled.paths.end(), of_class.begin(), of_class.end());
    labelled.classes.resize(labelled.paths.size(), static_cast<int>(i));
  }
  return labelled;
}

}  // namespace fovea
