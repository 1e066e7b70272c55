// Picture files: JPEG, PNG, WebP, TIFF, HEIC and AVIF to 8-bit RGB, as Pillow's convert("RGB")
// gives it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/io/error.h"

namespace fovea {

// A colour: 8-bit red, green and blue.
using Rgb = std::array<uint8_t, 3>;

// 8-bit RGB, row-major, three bytes a pixel.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;
};

// The largest picture we decode unless told otherwise, in pixels; larger ones are refused by name
// before anything is allocated.
inline constexpr int64_t kMaxPixels = 100'000'000;

// Whether pictures are turned upright as EXIF says. TIFF, HEIC and AVIF say it themselves, as part
// of the format, and are turned in any case.
enum class Orient { none, exif };

// Pictures that came out otherwise than people may expect.
struct ReadCounts {
  std::atomic<int64_t> not_turned = 0;  // EXIF says that they are turned, and they were not
  std::atomic<int64_t> saturated = 0;   // 16-bit grey, with values above 255, which became white
};

// How pictures are read.
struct ReadOptions {
  Orient orient = Orient::none;
  // What shows through where pictures are transparent. Without it their alpha is dropped, and the
  // colours hidden under it show.
  std::optional<Rgb> background = {};
  // Of a cut JPEG, PNG or WebP take what is there. Where nothing is, it's black; in a JPEG the last
  // colour that was there, or grey; in a PNG with a palette the first of that.
  bool accept_truncated = false;
  int64_t max_pixels = kMaxPixels;
  std::shared_ptr<ReadCounts> counts = {};  // added to, where there are any
};

// A picture in a format that is read through a library that is not installed.
class FOVEA_API MissingLibrary : public Error {
 public:
  MissingLibrary(const std::string& name, const std::string& reason)
      : Error(name + ": " + reason), begin_(name.size() + 2) {}
  // What stands behind the picture's name: the format, the library, and Debian's package of it.
  std::string reason() const { return what() + begin_; }

 private:
  size_t begin_;
};

// Decodes a picture, told by its content: JPEG (baseline, progressive, grey, CMYK); PNG (8/16 bit,
// grey, palette); WebP; TIFF (8/16 bit, and what libtiff makes RGB of), HEIC and AVIF, where
// libtiff and libheif are installed. Of animations and several pages the first picture. Throws
// Error naming the file and what is wrong; MissingLibrary.
FOVEA_API Image read_image(const std::filesystem::path& path, const ReadOptions& options = {});

// The same from memory; `name` stands in messages.
FOVEA_API Image decode_image(std::span<const std::byte> bytes, const std::string& name,
                             const ReadOptions& options = {});

}  // namespace fovea
