// Walking folders for pictures.
#include "fovea/data/folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <system_error>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

// Symbolic links to folders are not followed: they may lead in circles.
std::vector<fs::path> pictures_below(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  fs::path at = folder;
  for (auto entry = fs::recursive_directory_iterator(folder, error); !error;
       entry.increment(error)) {
    if (entry == fs::recursive_directory_iterator()) break;
    at = entry->path();
    std::error_code ignored;
    if (is_picture(at) && !entry->is_directory(ignored)) found.push_back(at);
  }
  if (error) fail("{}: the folder can't be read: {}", at.string(), error.message());
  if (found.empty()) fail("{}: no .jpg, .jpeg or .png in this folder", folder.string());
  std::sort(found.begin(), found.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return found;
}

}  // namespace

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array kExtensions = {".jpg", ".jpeg", ".png"};
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

std::vector<fs::path> list_pictures(const std::vector<fs::path>& paths) {
  std::vector<fs::path> pictures;
  for (const fs::path& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::directory) {
      const std::vector<fs::path> below = pictures_below(path);
      pictures.insert(pictures.end(), below.begin(), below.end());
    } else if (status.type() == fs::file_type::not_found) {
      fail("{}: no such file or folder", path.string());
    } else if (error) {
      fail("{}: can't be read: {}", path.string(), error.message());
    } else {
      pictures.push_back(path);
    }
  }
  return pictures;
}

}  // namespace fovea
