// Any bytes as a video and as a sound: either one clear Error, or frames and samples as they should
// be. Most of what reads them is FFmpeg's and libsndfile's; without these only how long files say
// they are is looked at.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "fovea/data/clip.h"
#include "fovea/data/cut_short.h"
#include "fovea/data/sound.h"
#include "fovea/io/error.h"

namespace {

constexpr int64_t kMostPixels = 100'000;
constexpr int kMostBlocks = 50;

void check(bool is_right) {
  if (!is_right) std::abort();
}

void watch(const fovea::SharedBytes& bytes) {
  const auto video = fovea::open_video(bytes, {.max_pixels = kMostPixels});
  check(video->count() > 0);
  const std::vector<int64_t> places = fovea::clip_places(video->count(), 4, 2);
  if (places.back() > 1000) return;  // it would only take long
  video->read(places, [](size_t index, const fovea::Image& frame) {
    check(index < 4 && frame.rgb.size() == size_t{3} * frame.width * frame.height);
  });
}

void listen(const fovea::SharedBytes& bytes) {
  const auto sound = fovea::open_sound(bytes);
  std::vector<float> block(4096);
  for (int i = 0; i < kMostBlocks; ++i) {
    const size_t count = sound->read(block);
    check(count <= block.size());
    for (size_t k = 0; k < count; ++k) check(std::isfinite(block[k]));
    if (count == 0) return;
  }
}

}  // namespace

// libvorbis below libsndfile forgets memory of some broken files.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's name
extern "C" const char* __lsan_default_suppressions() { return "leak:libvorbis"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fovea::SharedBytes bytes =
      fovea::bytes_in_memory(std::as_bytes(std::span(data, size)), "fuzz.mp4");
  check(fovea::how_cut_short(*bytes).find('\n') == std::string::npos);
  for (const auto use : {watch, listen}) {
    try {
      use(bytes);
    } catch (const fovea::Error&) {
      // The only exception that may come out.
    }
  }
  return 0;
}
