// What holds for animations of both formats.
#include "fovea/data/encoders.h"

#include "fovea/io/fail.h"

namespace fovea {

void check_frames(std::span<const Frame> frames) {
  if (frames.empty()) fail("an animation of no frames; expected at least one");
  const Image& first = frames.front().image;
  for (const Frame& frame : frames) {
    const Image& image = frame.image;
    if (image.width == first.width && image.height == first.height) continue;
    fail("an animation with frames of {} x {} and {} x {} pixels; expected one size", first.width,
         first.height, image.width, image.height);
  }
}

}  // namespace fovea
