// Pictures in a folder per class.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace fovea {

struct LabelledPictures {
  std::vector<std::filesystem::path> paths;  // class after class
  std::vector<int> classes;                  // of each, into names
  std::vector<std::string> names;            // of the class folders, sorted
};

// FOLDER/CLASS/*.jpg, pictures as deep as they lie. Throws Error naming the folder that has no
// class folders, only one, pictures beside them, or a class without a picture.
LabelledPictures list_labelled(const std::filesystem::path& folder);

}  // namespace fovea
