// Helpers for the tests of pictures and data sets: pictures made up, folders and zip files.
#pragma once

#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fovea/data/encoders.h"
#include "fovea/data/image.h"
#include "fovea/io/fail.h"

namespace fovea {

// The files of a folder whose names pass, sorted.
inline std::vector<std::string> names_in(const std::filesystem::path& folder,
                                         const std::function<bool(const std::string&)>& passes) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (passes(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A zip file of these entries, deflated; with a password those are encrypted. Names that end with a
// slash are folders.
inline void write_zip(const std::filesystem::path& path,
                      const std::map<std::string, std::string>& entries,
                      const std::string& password = "") {
  int error = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
  if (archive == nullptr) fail("{}: can't be made", path.string());
  for (const auto& [name, content] : entries) {
    if (name.ends_with('/')) {
      zip_dir_add(archive, name.c_str(), 0);
      continue;
    }
    zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, 0);
    if (password.empty()) continue;
    zip_file_set_encryption(archive, index, ZIP_EM_AES_256, password.c_str());
  }
  if (zip_close(archive) != 0) fail("{}: can't be written", path.string());
}

// A picture of one colour as a PNG file.
inline std::string png_of(int width, int height, Rgb colour) {
  Image image{width, height, {}};
  for (int i = 0; i < width * height; ++i) {
    image.rgb.insert(image.rgb.end(), colour.begin(), colour.end());
  }
  return encode_png(image);
}

inline Image part(const Image& image, int left, int top, int width, int height) {
  Image cut{width, height, {}};
  for (int y = top; y < top + height; ++y) {
    const auto row = image.rgb.begin() + (std::ptrdiff_t{3} * y * image.width + 3 * left);
    cut.rgb.insert(cut.rgb.end(), row, row + std::ptrdiff_t{3} * width);
  }
  return cut;
}

}  // namespace fovea
