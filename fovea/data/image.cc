// Telling the formats apart, and the limit that holds for all of them.
#include "fovea/data/image.h"

#include <algorithm>
#include <string_view>

#include "fovea/data/decoders.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/file_kind.h"

namespace fovea {
namespace {

bool begins_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin(),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

}  // namespace

void check_image_size(int64_t width, int64_t height, const std::string& name) {
  if (width < 1 || height < 1) fail("{}: a picture of {} x {} pixels", name, width, height);
  if (width > kMaxPixels / height) {
    fail("{}: {} x {} pixels; expected at most {} megapixels", name, width, height,
         kMaxPixels / 1'000'000);
  }
}

Image decode_image(std::span<const std::byte> bytes, const std::string& name) {
  if (begins_with(bytes, "\xff\xd8\xff")) return decode_jpeg(bytes, name);
  if (begins_with(bytes, "\x89PNG\r\n\x1a\n")) return decode_png(bytes, name);
  const std::string kind = kind_of_file(bytes);
  if (kind.empty()) fail("{}: neither JPEG nor PNG", name);
  fail("{}: is {}; expected JPEG or PNG", name, kind);
}

Image read_image(const std::filesystem::path& path) {
  return decode_image(MappedFile::open(path).bytes(), path.string());
}

}  // namespace fovea
