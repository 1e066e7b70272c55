// Telling the formats apart, and what holds for all of them: the limit, turning, the background.
#include "fovea/data/image.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "fovea/data/decoders.h"
#include "fovea/data/orientation.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/file_kind.h"

namespace fovea {
namespace {

struct Format {
  std::string_view kind;  // as kind_of_file() says it
  Decoded (*decode)(std::span<const std::byte>, const std::string&, const ReadOptions&);
};

constexpr Format kFormats[] = {
    {"a JPEG picture", decode_jpeg}, {"a PNG picture", decode_png},
    {"a WebP picture", decode_webp}, {"a TIFF picture", decode_tiff},
    {"a HEIC picture", decode_heic}, {"an AVIF picture", decode_avif},
};

Decoded decode(std::span<const std::byte> bytes, const std::string& name,
               const ReadOptions& options) {
  constexpr std::string_view kExpected = "JPEG, PNG, WebP, TIFF, HEIC or AVIF";
  const std::string kind = kind_of_file(bytes);
  for (const Format& format : kFormats) {
    if (format.kind == kind) return format.decode(bytes, name, options);
  }
  if (kind.empty()) fail("{}: no picture; expected {}", name, kExpected);
  fail("{}: is {}; expected {}", name, kind, kExpected);
}

// As Pillow's alpha_composite does it over an opaque colour, to RGB.
void put_before(const Rgb& background, Decoded& picture) {
  constexpr int kBits = 7;  // of precision, beside the eight of a colour
  uint8_t* to = picture.samples.data();
  const uint8_t* from = to;
  const uint8_t* end = from + picture.samples.size();
  for (; from != end; from += 4, to += 3) {
    const uint32_t share = from[3] << kBits;
    const uint32_t rest = (255U << kBits) - share;
    for (size_t i = 0; i < 3; ++i) {
      const uint32_t sum = from[i] * share + background[i] * rest;
      to[i] = static_cast<uint8_t>(over_255(sum + (0x80U << kBits)) >> kBits);
    }
  }
  picture.samples.resize(picture.samples.size() / 4 * 3);
  picture.has_alpha = false;
}

void count(const Decoded& picture, bool turned, const ReadOptions& options) {
  if (options.counts == nullptr) return;
  if (picture.orientation != 1 && !turned) ++options.counts->not_turned;
  if (picture.saturated) ++options.counts->saturated;
}

}  // namespace

void check_image_size(int64_t width, int64_t height, const std::string& name, int64_t max_pixels) {
  if (width < 1 || height < 1) fail("{}: a picture of {} x {} pixels", name, width, height);
  if (width > max_pixels / height) {
    fail("{}: {} x {} pixels; expected at most {} megapixels", name, width, height,
         max_pixels / 1'000'000);
  }
}

Image decode_image(std::span<const std::byte> bytes, const std::string& name,
                   const ReadOptions& options) {
  Decoded picture = decode(bytes, name, options);
  const bool turns = picture.turns_always || options.orient == Orient::exif;
  count(picture, turns, options);
  if (picture.has_alpha) put_before(options.background.value_or(Rgb{}), picture);
  if (turns) turn_upright(picture, picture.orientation);
  return {picture.width, picture.height, std::move(picture.samples)};
}

Image read_image(const std::filesystem::path& path, const ReadOptions& options) {
  return decode_image(MappedFile::open(path).bytes(), path.string(), options);
}

}  // namespace fovea
