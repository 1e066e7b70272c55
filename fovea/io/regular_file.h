// Opening a file to read it, as all readers do.
#pragma once

#include <cstddef>
#include <filesystem>

#include "fovea/io/descriptor.h"

namespace fovea {

struct RegularFile {
  Descriptor descriptor;
  size_t size = 0;  // as the system tells it, in bytes
};

// Throws Error naming what is missing, a folder, no regular file or can't be opened.
RegularFile open_regular(const std::filesystem::path& path);

}  // namespace fovea
