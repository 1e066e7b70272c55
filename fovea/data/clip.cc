#include "fovea/data/clip.h"

#include <algorithm>

#include "fovea/data/preprocess.h"

namespace fovea {

std::vector<int64_t> clip_places(int64_t frames, int length, int stride, int clip, int clips) {
  const int64_t spare = std::max<int64_t>(0, frames - int64_t{length - 1} * stride - 1);
  const int64_t first = clips == 1 ? spare / 2 : spare * clip / (clips - 1);
  std::vector<int64_t> places(length);
  for (int i = 0; i < length; ++i) places[i] = first + int64_t{i} * stride;
  return places;
}

Array preprocess_clip(FrameSource& source, std::span<const int64_t> places,
                      const Preprocessing& spec) {
  const auto count = static_cast<int64_t>(places.size());
  const int64_t plane = int64_t{spec.height} * spec.width;
  Array clip({3, count, spec.height, spec.width});
  std::vector<float> picture(3 * plane);
  source.read(places, [&](size_t index, const Image& frame) {
    preprocess(frame, spec, picture, source.name());
    for (int64_t channel = 0; channel < 3; ++channel) {
      std::copy_n(picture.begin() + channel * plane, plane,
                  clip.data.begin() + (channel * count + static_cast<int64_t>(index)) * plane);
    }
  });
  return clip;
}

}  // namespace fovea
