// Which pictures a command line's paths mean.
#pragma once

#include <filesystem>
#include <vector>

namespace fovea {

// Files as they are given; folders recursively, sorted by path, only .jpg, .jpeg and .png in any
// case. Throws Error naming the path that does not exist, can't be read, or the folder that holds
// no picture.
std::vector<std::filesystem::path> list_pictures(const std::vector<std::filesystem::path>& paths);

}  // namespace fovea
