#include "fovea/data/augment.h"

#include <algorithm>
#include <cmath>

#include "fovea/data/preprocess.h"

namespace fovea {
namespace {

constexpr int kTries = 10;  // to find a box that fits, as torchvision and timm do

// A box inside a picture of width x height with an area of that share; a width of 0 where it does
// not fit.
PixelBox draw_box(int width, int height, double area, double ratio, Random& random) {
  const double pixels = area * width * height;
  const auto w = static_cast<int>(std::lround(std::sqrt(pixels * ratio)));
  const auto h = static_cast<int>(std::lround(std::sqrt(pixels / ratio)));
  if (w < 1 || h < 1 || w > width || h > height) return {};
  const auto left = static_cast<int>(random.below(width - w + 1));
  const auto top = static_cast<int>(random.below(height - h + 1));
  return {left, top, w, h};
}

// Equally often wide as high.
double draw_ratio(const std::array<double, 2>& ratio, Random& random) {
  return std::exp(random.uniform(std::log(ratio[0]), std::log(ratio[1])));
}

// A picture moved by up to `padding` pixels in each direction; what it leaves is black.
Image shift(const Image& image, int padding, Random& random) {
  const auto right = static_cast<int>(random.below(2 * padding + 1)) - padding;
  const auto down = static_cast<int>(random.below(2 * padding + 1)) - padding;
  Image out{image.width, image.height, std::vector<uint8_t>(image.rgb.size())};
  for (int y = 0; y < image.height; ++y) {
    const int from = y - down;
    if (from < 0 || from >= image.height) continue;
    const int first = std::max(0, right);
    const int count = image.width - std::abs(right);
    if (count <= 0) continue;
    std::copy_n(image.rgb.begin() + int64_t{3} * (from * image.width + first - right), 3 * count,
                out.rgb.begin() + int64_t{3} * (y * image.width + first));
  }
  return out;
}

Image crop(const Image& image, const Preprocessing& spec, const Augmentation& augmentation,
           Random& random, const std::string& name) {
  if (augmentation.crop == Crop::resized) {
    const PixelBox box = draw_crop(image.width, image.height, augmentation, random);
    return resize(cut(image, box), spec.width, spec.height, spec.interpolation,
                  {0, 0, spec.width, spec.height});
  }
  const Image centre = resize_and_crop(image, spec, name);
  return augmentation.crop == Crop::padded ? shift(centre, augmentation.padding, random) : centre;
}

}  // namespace

Image cut(const Image& image, const PixelBox& box) {
  return resize(image, image.width, image.height, Interpolation::bilinear, box);
}

void mirror(Image& image) {
  for (int y = 0; y < image.height; ++y) {
    uint8_t* row = image.rgb.data() + size_t{3} * y * image.width;
    for (int x = 0; x < image.width / 2; ++x) {
      std::swap_ranges(row + 3 * x, row + 3 * x + 3, row + 3 * (image.width - 1 - x));
    }
  }
}

PixelBox draw_crop(int width, int height, const Augmentation& augmentation, Random& random) {
  for (int i = 0; i < kTries; ++i) {
    const double area = random.uniform(augmentation.scale[0], augmentation.scale[1]);
    const PixelBox box =
        draw_box(width, height, area, draw_ratio(augmentation.ratio, random), random);
    if (box.width > 0) return box;
  }
  // The largest box in the centre whose ratio is allowed.
  const double ratio =
      std::clamp(static_cast<double>(width) / height, augmentation.ratio[0], augmentation.ratio[1]);
  const int w = std::clamp(static_cast<int>(std::lround(height * ratio)), 1, width);
  const int h = std::clamp(static_cast<int>(std::lround(width / ratio)), 1, height);
  return {(width - w) / 2, (height - h) / 2, w, h};
}

void erase(std::span<float> values, int height, int width, const Augmentation& augmentation,
           Random& random) {
  if (!random.chance(augmentation.reprob)) return;
  constexpr std::array<double, 2> kRatio = {0.3, 1 / 0.3};
  for (int i = 0; i < kTries; ++i) {
    const double area = random.uniform(augmentation.erased[0], augmentation.erased[1]);
    const PixelBox box = draw_box(width, height, area, draw_ratio(kRatio, random), random);
    if (box.width == 0) continue;
    for (int channel = 0; channel < 3; ++channel) {
      for (int y = box.top; y < box.top + box.height; ++y) {
        float* row = values.data() + (int64_t{channel} * height + y) * width + box.left;
        std::generate_n(row, box.width, [&] { return static_cast<float>(random.normal()); });
      }
    }
    return;
  }
}

void augment(const Image& image, const Preprocessing& spec, const Augmentation& augmentation,
             Random& random, std::span<float> out, const std::string& name) {
  Image picture = crop(image, spec, augmentation, random, name);
  if (random.chance(augmentation.hflip)) mirror(picture);
  picture = rand_augment(std::move(picture), augmentation.rand_augment, random);
  normalize(picture, spec, out);
  erase(out, spec.height, spec.width, augmentation, random);
}

}  // namespace fovea
