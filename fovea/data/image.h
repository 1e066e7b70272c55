// Picture files: JPEG and PNG to 8-bit RGB, as Pillow's convert("RGB") gives it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "fovea/api.h"

namespace fovea {

// A colour: 8-bit red, green and blue.
using Rgb = std::array<uint8_t, 3>;

// 8-bit RGB, row-major, three bytes a pixel.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;
};

// The largest picture we decode, in pixels; larger ones are refused by name before anything is
// allocated.
inline constexpr int64_t kMaxPixels = 100'000'000;

// Decodes JPEG (baseline, progressive, grey, CMYK) and PNG (8/16 bit, grey, palette, alpha
// dropped), told apart by content. EXIF orientation is ignored, as the reference transform does.
// Throws Error naming the file and what is wrong.
FOVEA_API Image read_image(const std::filesystem::path& path);

// The same from memory; `name` stands in messages.
FOVEA_API Image decode_image(std::span<const std::byte> bytes, const std::string& name);

}  // namespace fovea
