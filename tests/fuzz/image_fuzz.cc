// Any bytes as a picture file: either one clear Error, or as many pixels as it says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "fovea/data/image.h"
#include "fovea/io/error.h"

namespace {

// A few bytes can stand for millions of pixels, which would only cost time here.
constexpr uint64_t kMostPixels = 1'000'000;

uint64_t big_endian(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  for (const uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

// What a PNG header, or anything that looks like a JPEG frame header, says.
bool is_large(std::span<const uint8_t> bytes) {
  if (bytes.size() >= 24 && bytes[0] == 0x89) {
    const uint64_t width = big_endian(bytes.subspan(16, 4));
    const uint64_t height = big_endian(bytes.subspan(20, 4));
    return width * height > kMostPixels;
  }
  for (size_t at = 0; at + 9 <= bytes.size(); ++at) {
    const bool is_frame = bytes[at] == 0xFF && bytes[at + 1] >= 0xC0 && bytes[at + 1] <= 0xCF;
    const uint64_t height = big_endian(bytes.subspan(at + 5, 2));
    const uint64_t width = big_endian(bytes.subspan(at + 7, 2));
    if (is_frame && width * height > kMostPixels) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  if (is_large(bytes)) return 0;
  try {
    const fovea::Image image = fovea::decode_image(std::as_bytes(bytes), "fuzz.jpg");
    if (image.width < 1 || image.height < 1) std::abort();
    if (image.rgb.size() != size_t{3} * image.width * image.height) std::abort();
  } catch (const fovea::Error&) {
    // The only exception that may come out.
  }
  return 0;
}
