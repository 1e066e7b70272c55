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
  if (spec.fit == Fit::crop || spec.fit == Fit::exact) return {image.width, image.height};
  const auto scaled = [&](int side) { return int64_t{resized_side(side, spec.crop_pct)}; };
  if (spec.fit == Fit::squash) return {scaled(spec.width), scaled(spec.height)};
  if (spec.fit == Fit::short_side || spec.width == spec.height) {
    const int64_t target = scaled(std::max(spec.width, spec.height));
    const int64_t shorter = std::min(image.width, image.height);
    const auto longer = [&](int64_t side) { return target * side / shorter; };
    return image.width <= image.height ? Size{target, longer(image.height)}
                                       : Size{longer(image.width), target};
  }
  const double ratio = std::min(static_cast<double>(image.width) / scaled(spec.width),
                                static_cast<double>(image.height) / scaled(spec.height));
  return {round_to_even(image.width / ratio), round_to_even(image.height / ratio)};
}

// Where the part of `from` pixels begins of which `kept` are kept; below 0 where they are more.
int64_t margin(int64_t from, int kept, const Preprocessing& spec) {
  const double half = static_cast<double>(from - kept) / 2;
  return spec.crop_down ? static_cast<int64_t>(std::floor(half)) : round_to_even(half);
}

// `image` within black, so that it is at least as large as the input.
Image with_border(const Image& image, const Preprocessing& spec) {
  Image larger{std::max(image.width, spec.width), std::max(image.height, spec.height), {}};
  larger.rgb.resize(size_t{3} * larger.width * larger.height);
  const int64_t left = std::max<int64_t>(0, -margin(image.width, spec.width, spec));
  const int64_t top = std::max<int64_t>(0, -margin(image.height, spec.height, spec));
  const int64_t row = int64_t{3} * image.width;
  for (int64_t y = 0; y < image.height; ++y) {
    std::copy_n(image.rgb.begin() + row * y, row,
                larger.rgb.begin() + 3 * ((top + y) * larger.width + left));
  }
  return larger;
}

}  // namespace

Image resize_and_crop(const Image& image, const Preprocessing& spec, const std::string& name,
                      int enlarged) {
  if (spec.fit == Fit::crop && (image.width < spec.width || image.height < spec.height)) {
    return resize_and_crop(with_border(image, spec), spec, name, enlarged);
  }
  const Size size = resized(image, spec);
  if (spec.fit == Fit::exact && (size.width != spec.width || size.height != spec.height)) {
    fail("{}: {} x {} pixels; expected {} x {}, as the model's config wants pictures not resized",
         name, image.height, image.width, spec.height, spec.width);
  }
  // The result, or what the horizontal pass leaves of a taller picture: nothing larger is
  // allocated.
  const int64_t rows = std::max<int64_t>(size.height * enlarged, image.height);
  if (size.width * enlarged > kMaxPixels / rows) {
    fail("{}: {} x {} pixels; too narrow to be resized to {} x {}", name, image.width, image.height,
         size.width * enlarged, size.height * enlarged);
  }
  const auto offset = [&](int64_t from, int kept) {
    return enlarged * static_cast<int>(margin(from, kept, spec));
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
      const float value = static_cast<float>(picture.rgb[3 * i + channel]) / spec.full_scale;
      plane[i] = (value - spec.mean[channel]) / spec.std[channel];
    }
  }
}

void preprocess(const Image& image, const Preprocessing& spec, std::span<float> out,
                const std::string& name) {
  normalize(resize_and_crop(image, spec, name), spec, out);
}

}  // namespace fovea
