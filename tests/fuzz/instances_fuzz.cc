// Any text as COCO's file of instances: one clear Error, or masks that are as large as their
// pictures.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fovea/data/instances.h"
#include "fovea/io/error.h"

namespace {

constexpr int kLargest = 4096;  // side of pictures whose masks are drawn: larger ones take too long

void check(const fovea::InstanceFile::Picture& picture) {
  if (picture.height > kLargest || picture.width > kLargest) return;
  for (const fovea::Instance& instance : picture.instances) {
    const fovea::Rle mask = fovea::mask_of(instance, picture.height, picture.width);
    uint64_t pixels = 0;
    for (const uint32_t count : mask.counts) pixels += count;
    if (mask.height != picture.height || mask.width != picture.width) std::abort();
    if (pixels != uint64_t{1} * picture.height * picture.width) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::string text(reinterpret_cast<const char*>(data), size);
    for (const auto& picture : fovea::parse_instances(text, "a.json").pictures) check(picture);
  } catch (const fovea::Error&) {
    // The only exception that may come out.
  }
  return 0;
}
