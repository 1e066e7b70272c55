#include "fovea/data/orientation.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/data/decoders.h"

namespace fovea {
namespace {

// EXIF data are a TIFF file without a picture. Reads its numbers; 0 beyond its end.
class Numbers {
 public:
  Numbers(std::span<const std::byte> bytes, bool big_endian)
      : bytes_(bytes), big_endian_(big_endian) {}

  uint32_t u16(size_t at) const { return number(at, 2); }
  uint32_t u32(size_t at) const { return number(at, 4); }

 private:
  uint32_t number(size_t at, size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value = value << 8 | std::to_integer<uint32_t>(bytes_[at + (big_endian_ ? i : size - 1 - i)]);
    }
    return value;
  }

  std::span<const std::byte> bytes_;
  bool big_endian_;
};

bool begins_with(std::span<const std::byte> bytes, std::string_view text) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())
      .starts_with(text);
}

}  // namespace

int exif_orientation(std::span<const std::byte> exif) {
  constexpr std::string_view kBegin("Exif\0\0", 6);
  constexpr uint32_t kOrientation = 0x0112;
  constexpr uint32_t kShort = 3;
  constexpr size_t kEntry = 12;  // bytes: tag, type, count, value
  if (begins_with(exif, kBegin)) exif = exif.subspan(kBegin.size());
  if (!begins_with(exif, "II") && !begins_with(exif, "MM")) return 1;
  const Numbers numbers(exif, begins_with(exif, "MM"));
  const size_t directory = numbers.u32(4);
  const size_t entries = numbers.u16(directory);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + kEntry * i;
    if (numbers.u16(entry) != kOrientation) continue;
    const uint32_t value = numbers.u16(entry + 2) == kShort ? numbers.u16(entry + 8) : 0;
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

void turn_upright(Decoded& picture, int orientation) {
  if (orientation == 1) return;
  const bool on_its_side = orientation >= 5;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_below =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const int64_t width = picture.width;
  const int64_t height = picture.height;
  const int64_t channels = picture.has_alpha ? 4 : 3;
  // Where the new first pixel comes from, and how far apart those of a row and of a column are.
  const int64_t first = (from_right ? width - 1 : 0) + (from_below ? (height - 1) * width : 0);
  int64_t along_row = from_right ? -1 : 1;
  int64_t along_column = from_below ? -width : width;
  if (on_its_side) {
    std::swap(along_row, along_column);
    std::swap(picture.width, picture.height);
  }
  std::vector<uint8_t> turned(picture.samples.size());
  uint8_t* to = turned.data();
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < picture.width; ++x) {
      const int64_t from = first + y * along_column + x * along_row;
      to = std::copy_n(picture.samples.data() + channels * from, channels, to);
    }
  }
  picture.samples = std::move(turned);
}

}  // namespace fovea
