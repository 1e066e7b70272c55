// How large a picture becomes, which part of that is kept, and its values as the model wants them.
#include "fovea/data/preprocess.h"

#include <algorithm>
#include <cmath>

#include "fovea/data/resize.h"
#include "fovea/io/fail.h"
#include "fovea/segment/placement.h"

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

// The same of another part than the centre.
int64_t begin_of(int64_t from, int kept, const Preprocessing& spec, CropPlace crop) {
  if (crop == CropPlace::centre) return margin(from, kept, spec);
  return crop == CropPlace::first ? 0 : from - kept;
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

// With Fit::corner: what there is of the picture in the input, `enlarged` times as large.
Image resized_to_corner(const Image& image, const Preprocessing& spec, const std::string& name,
                        int enlarged) {
  if (spec.height != spec.width) {
    fail("{}: an input of {} x {} pixels; expected a square, whose corner the picture fills", name,
         spec.height, spec.width);
  }
  PicturePlace placement;
  try {
    placement = place_picture(image.width, image.height, spec.width);
  } catch (const Error& error) {
    fail("{}: {}", name, error.what());
  }
  const int width = placement.scaled_width * enlarged;
  const int height = placement.scaled_height * enlarged;
  return resize(image, width, height, spec.interpolation, {0, 0, width, height});
}

// As a picture, the mean colour is what becomes zero.
Image with_mean_colour(const Image& corner, const Preprocessing& spec, int enlarged) {
  Image square{spec.width * enlarged, spec.height * enlarged, {}};
  square.rgb.resize(size_t{3} * square.width * square.height);
  for (size_t i = 0; i < square.rgb.size(); ++i) {
    const double value = double{spec.mean[i % 3]} * spec.full_scale;
    square.rgb[i] = static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
  }
  const size_t row = size_t{3} * corner.width;
  for (int y = 0; y < corner.height; ++y) {
    std::copy_n(corner.rgb.begin() + y * row, row,
                square.rgb.begin() + size_t{3} * y * square.width);
  }
  return square;
}

// Writes a picture's values to the upper left corner of planes of `whole` pixels.
void normalize_into(const Image& picture, const Preprocessing& spec, const Grid& whole,
                    std::span<float> out) {
  const uint8_t* value = picture.rgb.data();
  const int64_t plane = int64_t{whole.rows} * whole.columns;
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < picture.width; ++x) {
      for (int64_t channel = 0; channel < 3; ++channel) {
        const float scaled = static_cast<float>(*value++) / spec.full_scale;
        out[channel * plane + y * whole.columns + x] =
            (scaled - spec.mean[channel]) / spec.std[channel];
      }
    }
  }
}

}  // namespace

Image resize_and_crop(const Image& image, const Preprocessing& spec, const std::string& name,
                      int enlarged, CropPlace crop) {
  if (spec.fit == Fit::corner) {
    return with_mean_colour(resized_to_corner(image, spec, name, enlarged), spec, enlarged);
  }
  if (spec.fit == Fit::crop && (image.width < spec.width || image.height < spec.height)) {
    return resize_and_crop(with_border(image, spec), spec, name, enlarged, crop);
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
  const bool is_tall = size.height > size.width;
  const auto offset = [&](int64_t from, int kept, bool is_longer) {
    return enlarged *
           static_cast<int>(begin_of(from, kept, spec, is_longer ? crop : CropPlace::centre));
  };
  const PixelBox window{offset(size.width, spec.width, !is_tall),
                        offset(size.height, spec.height, is_tall), enlarged * spec.width,
                        enlarged * spec.height};
  return resize(image, static_cast<int>(size.width * enlarged),
                static_cast<int>(size.height * enlarged), spec.interpolation, window);
}

void normalize(const Image& picture, const Preprocessing& spec, std::span<float> out) {
  normalize_into(picture, spec, {picture.height, picture.width}, out);
}

void preprocess(const Image& image, const Preprocessing& spec, std::span<float> out,
                const std::string& name, CropPlace crop) {
  if (spec.fit != Fit::corner) {
    return normalize(resize_and_crop(image, spec, name, 1, crop), spec, out);
  }
  std::fill(out.begin(), out.end(), 0.0F);
  normalize_into(resized_to_corner(image, spec, name, 1), spec, {spec.height, spec.width}, out);
}

}  // namespace fovea
