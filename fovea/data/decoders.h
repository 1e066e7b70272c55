// The picture formats, one function each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "fovea/data/image.h"

namespace fovea {

// Throws Error naming the picture where it is empty or has more than kMaxPixels.
void check_image_size(int64_t width, int64_t height, const std::string& name);

// Bytes that begin as the format does. Throw Error naming the picture and what is wrong.
Image decode_jpeg(std::span<const std::byte> bytes, const std::string& name);
Image decode_png(std::span<const std::byte> bytes, const std::string& name);

}  // namespace fovea
