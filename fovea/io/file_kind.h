// What a file is, told by its first bytes, for messages about files that are not what was expected.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "fovea/io/byte_source.h"

namespace fovea {

// "a WebP picture", "an HTML page, perhaps of a download that failed", ...; "" for what is not
// known.
std::string kind_of_file(std::span<const std::byte> bytes);
// The same; of the source no more is read than its first bytes.
std::string kind_of_file(const ByteSource& bytes);

}  // namespace fovea
