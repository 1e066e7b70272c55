// Any bytes as a picture file, read in every way: either one clear Error, or as many pixels as it
// says. HEIC and AVIF are left out: what libheif calls leaks memory on broken files, which is not
// ours to mend.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "fovea/data/image.h"
#include "fovea/io/error.h"
#include "fovea/io/file_kind.h"

namespace {

// A few bytes can stand for millions of pixels, which would only cost time here.
constexpr int64_t kMostPixels = 1'000'000;

bool is_others_work(std::span<const std::byte> bytes) {
  const std::string kind = fovea::kind_of_file(bytes);
  return kind == "a HEIC picture" || kind == "an AVIF picture";
}

void read(std::span<const std::byte> bytes, const fovea::ReadOptions& options) {
  try {
    const fovea::Image image = fovea::decode_image(bytes, "fuzz.jpg", options);
    if (image.width < 1 || image.height < 1) std::abort();
    if (image.rgb.size() != size_t{3} * image.width * image.height) std::abort();
  } catch (const fovea::Error&) {
    // The only exception that may come out.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  if (is_others_work(bytes)) return 0;
  read(bytes, {.max_pixels = kMostPixels});
  read(bytes, {.orient = fovea::Orient::exif,
               .background = fovea::Rgb{1, 2, 3},
               .accept_truncated = true,
               .max_pixels = kMostPixels});
  return 0;
}
