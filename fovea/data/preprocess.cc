// How large a picture becomes, which part of that is kept, and its values as the model wants them.
#include "fovea/data/preprocess.h"

#include <algorithm>
#include <cmath>

#include "fovea/data/resize.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

struct Size {
  int64_t width;
  int64_t height;
};

// Half to even, as Python rounds; the rounding mode is the default one.
int64_t round_to_even(double x) { return std::llrint(x); }

Size resized(const Image& image, const Preprocessing& spec) {
  // A share that was made from two whole numbers gives back the larger one, however it was rounded.
  const auto scaled = [&](int side) { return static_cast<int64_t>(side / spec.crop_pct + 1e-6); };
  if (spec.squash) return {scaled(spec.width), scaled(spec.height)};
  if (spec.width == spec.height) {
    const int64_t target = scaled(spec.width);
    const int64_t shorter = std::min(image.width, image.height);
    const auto longer = [&](int64_t side) { return target * side / shorter; };
    return image.width <= image.height ? Size{target, longer(image.height)}
                                       : Size{longer(image.width), target};
  }
  const double ratio = std::min(static_cast<double>(image.width) / scaled(spec.width),
                                static_cast<double>(image.height) / scaled(spec.height));
  return {round_to_even(image.width / ratio), round_to_even(image.height / ratio)};
}

}  // namespace

Image resize_and_crop(const Image& image, const Preprocessing& spec, const std::string& name,
                      int enlarged) {
  const Size size = resized(image, spec);
  // The result, or what the horizontal pass leaves of a taller picture: nothing larger is
  // allocated.
  const int64_t rows = std::max<int64_t>(size.height * enlarged, image.height);
  if (size.width * enlarged > kMaxPixels / rows) {
    fail("{}: {} x {} pixels; too narrow to be resized to {} x {}", name, image.width, image.height,
         size.width * enlarged, size.height * enlarged);
  }
  const auto offset = [&](int64_t from, int kept) {
    return enlarged * static_cast<int>(round_to_even(static_cast<double>(from - kept) / 2));
  };
  const Window window{offset(size.width, spec.width), offset(size.height, spec.height),
                      enlarged * spec.width, enlarged * spec.height};
  return resize(image, static_cast<int>(size.width * enlarged),
                static_cast<int>(size.height * enlarged), spec.interpolation, window);
}

void normalize(const Image& picture, const Preprocessing& spec, std::span<float> out) {
  const size_t pixels = static_cast<size_t>(picture.width) * picture.height;
  for (size_t channel = 0; channel < 3; ++channel) {
    float* plane = out.data() + channel * pixels;
    for (size_t i = 0; i < pixels; ++i) {
      const float value = static_cast<float>(picture.rgb[3 * i + channel]) / 255.0F;
      plane[i] = (value - spec.mean[channel]) / spec.std[channel];
    }
  }
}

void preprocess(const Image& image, const Preprocessing& spec, std::span<float> out,
                const std::string& name) {
  normalize(resize_and_crop(image, spec, name), spec, out);
}

}  // namespace fovea
