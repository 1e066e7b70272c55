// The picture formats, one function each, and what they share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fovea/data/image.h"

namespace fovea {

// A picture as its decoder leaves it: neither turned nor before a background.
struct Decoded {
  int width = 0;
  int height = 0;
  bool has_alpha = false;             // only where a background was asked for
  std::vector<uint8_t> samples = {};  // 8-bit RGB, or RGBA, row-major
  int orientation = 1;                // as EXIF counts them, 1 to 8; 1 is upright
  bool turns_always = false;          // whatever is said of EXIF
  bool saturated = false;             // 16-bit grey with values above 255
};

// Throws Error naming the picture where it is empty or has more than `max_pixels`.
void check_image_size(int64_t width, int64_t height, const std::string& name,
                      int64_t max_pixels = kMaxPixels);

// (x - 128) / 255, rounded, as Pillow computes it for its blends.
inline uint32_t over_255(uint32_t x) { return ((x >> 8) + x) >> 8; }

// Inks, dark where they are 0 as files mostly hold them, to three colours as Pillow does it.
void cmyk_to_rgb(const uint8_t* cmyk, uint8_t* rgb);

// Bytes that begin as the format does. Throw Error naming the picture and what is wrong.
Decoded decode_jpeg(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options);
Decoded decode_png(std::span<const std::byte> bytes, const std::string& name,
                   const ReadOptions& options);
Decoded decode_webp(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options);
// These also throw MissingLibrary.
Decoded decode_tiff(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options);
Decoded decode_heic(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options);
Decoded decode_avif(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options);

}  // namespace fovea
