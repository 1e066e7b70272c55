// Which pictures a command line's paths mean.
#pragma once

#include <filesystem>
#include <vector>

namespace fovea {

// Whether its name ends as a picture's does: .jpg, .jpeg or .png in any case.
bool is_picture(const std::filesystem::path& path);

// Files as they are given; folders recursively, sorted by path, only pictures. Throws Error naming
// the path that does not exist, can't be read, or the folder that holds no picture.
std::vector<std::filesystem::path> list_pictures(const std::vector<std::filesystem::path>& paths);

}  // namespace fovea
