#include "fovea/data/clip.h"

#include <algorithm>
#include <utility>

namespace fovea {

std::vector<int64_t> clip_places(int64_t frames, int length, int stride, int clip, int clips) {
  const int64_t spare = std::max<int64_t>(0, frames - int64_t{length - 1} * stride - 1);
  const int64_t first = clips == 1 ? spare / 2 : spare * clip / (clips - 1);
  std::vector<int64_t> places(length);
  for (int i = 0; i < length; ++i) places[i] = first + int64_t{i} * stride;
  return places;
}

void put_frame(std::span<const float> values, int64_t index, int64_t frames,
               std::span<float> clip) {
  const auto plane = static_cast<int64_t>(values.size()) / 3;
  for (int64_t channel = 0; channel < 3; ++channel) {
    std::copy_n(values.begin() + channel * plane, plane,
                clip.begin() + (channel * frames + index) * plane);
  }
}

std::vector<Array> preprocess_crops(FrameSource& source, std::span<const int64_t> places,
                                    const Preprocessing& spec, std::span<const CropPlace> crops) {
  const auto count = static_cast<int64_t>(places.size());
  std::vector<Array> clips(crops.size(), Array({3, count, spec.height, spec.width}));
  std::vector<float> picture(size_t{3} * spec.height * spec.width);
  source.read(places, [&](size_t index, const Image& frame) {
    for (size_t crop = 0; crop < crops.size(); ++crop) {
      preprocess(frame, spec, picture, source.name(), crops[crop]);
      put_frame(picture, static_cast<int64_t>(index), count, clips[crop].data);
    }
  });
  return clips;
}

Array preprocess_clip(FrameSource& source, std::span<const int64_t> places,
                      const Preprocessing& spec) {
  constexpr CropPlace kCentre = CropPlace::centre;
  return std::move(preprocess_crops(source, places, spec, {&kCentre, 1}).front());
}

}  // namespace fovea
