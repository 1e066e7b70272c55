#include "fovea/data/changes.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace fovea {
namespace {

constexpr double kHighest = 10;  // level

using Lookup = std::array<uint8_t, 256>;

uint8_t to_byte(double value) { return static_cast<uint8_t>(std::clamp(value, 0.0, 255.0)); }

template <class Function>
Lookup lookup_of(const Function& function) {
  Lookup lookup;
  for (int i = 0; i < 256; ++i) lookup[i] = to_byte(function(i));
  return lookup;
}

// One table for each colour.
Image looked_up(Image image, const std::array<Lookup, 3>& lookups) {
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = lookups[i % 3][image.rgb[i]];
  return image;
}

Image looked_up(Image image, const Lookup& lookup) {
  return looked_up(std::move(image), {lookup, lookup, lookup});
}

std::array<int64_t, 256> histogram_of(const Image& image, int channel) {
  std::array<int64_t, 256> histogram = {};
  for (size_t i = channel; i < image.rgb.size(); i += 3) ++histogram[image.rgb[i]];
  return histogram;
}

// The darkest value becomes 0 and the brightest 255.
Lookup autocontrast(const std::array<int64_t, 256>& histogram) {
  int lowest = 0;
  int highest = 255;
  while (lowest < 255 && histogram[lowest] == 0) ++lowest;
  while (highest > 0 && histogram[highest] == 0) --highest;
  if (highest <= lowest) return lookup_of([](int i) { return i; });
  const double scale = 255.0 / (highest - lowest);
  const double offset = -lowest * scale;
  return lookup_of([&](int i) { return std::trunc(i * scale + offset); });
}

// Every value becomes about equally frequent.
Lookup equalize(const std::array<int64_t, 256>& histogram) {
  const int64_t total = std::accumulate(histogram.begin(), histogram.end(), int64_t{0});
  int last = 255;
  while (last > 0 && histogram[last] == 0) --last;
  const int64_t step = (total - histogram[last]) / 255;
  if (step == 0) return lookup_of([](int i) { return i; });
  Lookup lookup;
  int64_t n = step / 2;
  for (int i = 0; i < 256; ++i) {
    lookup[i] = to_byte(static_cast<double>(n / step));
    n += histogram[i];
  }
  return lookup;
}

// from + factor * (image - from), cut to bytes; factors above 1 go beyond the image.
Image blended(const Image& from, Image image, double factor) {
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    const auto other = static_cast<float>(from.rgb[i]);
    const float value =
        other + static_cast<float>(factor) * (static_cast<float>(image.rgb[i]) - other);
    image.rgb[i] = to_byte(value);
  }
  return image;
}

uint8_t grey_of(const uint8_t* pixel) {
  return static_cast<uint8_t>((pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >>
                              16);
}

Image grey(Image image) {
  for (size_t i = 0; i < image.rgb.size(); i += 3) {
    std::fill_n(image.rgb.begin() + static_cast<int64_t>(i), 3, grey_of(image.rgb.data() + i));
  }
  return image;
}

// Everything in the mean shade of grey.
Image even(Image image) {
  const Image shades = grey(image);
  const double sum = std::accumulate(shades.rgb.begin(), shades.rgb.end(), 0.0);
  const auto mean = static_cast<uint8_t>(sum / static_cast<double>(shades.rgb.size()) + 0.5);
  std::fill(image.rgb.begin(), image.rgb.end(), mean);
  return image;
}

// Each pixel five parts, each of its eight neighbours one; the border stays.
Image smooth(const Image& image) {
  Image out = image;
  const int64_t row = int64_t{3} * image.width;
  for (int64_t y = 1; y + 1 < image.height; ++y) {
    for (int64_t i = y * row + 3; i < (y + 1) * row - 3; ++i) {
      int sum = 4 * image.rgb[i];
      for (const int64_t line : {i - row, i, i + row}) {
        sum += image.rgb[line - 3] + image.rgb[line] + image.rgb[line + 3];
      }
      out.rgb[i] = static_cast<uint8_t>(sum / 13.0F + 0.5F);
    }
  }
  return out;
}

// Where a pixel comes from: x' = m[0] x + m[1] y + m[2], y' = m[3] x + m[4] y + m[5].
using Affine = std::array<double, 6>;

// The four pixels around (x, y), pixel centres at whole numbers, weighted by nearness.
void sample(const Image& image, double x, double y, uint8_t* out) {
  const double left = std::floor(x);
  const double top = std::floor(y);
  const auto column = [&](double i) {
    return static_cast<int64_t>(std::clamp(i, 0.0, image.width - 1.0));
  };
  const auto row = [&](double i) {
    return static_cast<int64_t>(std::clamp(i, 0.0, image.height - 1.0)) * image.width;
  };
  const uint8_t* corners[] = {image.rgb.data() + 3 * (row(top) + column(left)),
                              image.rgb.data() + 3 * (row(top) + column(left + 1)),
                              image.rgb.data() + 3 * (row(top + 1) + column(left)),
                              image.rgb.data() + 3 * (row(top + 1) + column(left + 1))};
  for (int c = 0; c < 3; ++c) {
    const double upper = corners[0][c] + (corners[1][c] - corners[0][c]) * (x - left);
    const double lower = corners[2][c] + (corners[3][c] - corners[2][c]) * (x - left);
    out[c] = to_byte(upper + (lower - upper) * (y - top));
  }
}

Image moved(const Image& image, const Affine& m, Rgb fill) {
  Image out = image;
  uint8_t* pixel = out.rgb.data();
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x, pixel += 3) {
      const double from_x = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2];
      const double from_y = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5];
      if (from_x < 0 || from_x >= image.width || from_y < 0 || from_y >= image.height) {
        std::copy(fill.begin(), fill.end(), pixel);
      } else {
        sample(image, from_x - 0.5, from_y - 0.5, pixel);
      }
    }
  }
  return out;
}

// Counterclockwise, around the centre.
Affine rotation(const Image& image, double degrees) {
  const double angle = -degrees * std::numbers::pi / 180;
  const double c = std::cos(angle);
  const double s = std::sin(angle);
  const double x = image.width / 2.0;
  const double y = image.height / 2.0;
  return {c, s, x - c * x - s * y, -s, c, y + s * x - c * y};
}

}  // namespace

Image changed(const Image& image, Change change, double level, bool negative, Rgb fill) {
  const double strength = level / kHighest;
  const double sign = negative ? -1 : 1;
  const double factor = std::max(0.1, 1 + sign * 0.9 * strength);
  const auto each_histogram = [&](auto function) {
    return looked_up(image, {function(histogram_of(image, 0)), function(histogram_of(image, 1)),
                             function(histogram_of(image, 2))});
  };
  switch (change) {
    case Change::autocontrast:
      return each_histogram(autocontrast);
    case Change::equalize:
      return each_histogram(equalize);
    case Change::invert:
      return looked_up(image, lookup_of([](int i) { return 255 - i; }));
    case Change::posterize: {
      const int dropped = 4 + static_cast<int>(strength * 4);  // bits
      return looked_up(image, lookup_of([&](int i) { return i >> dropped << dropped; }));
    }
    case Change::solarize: {
      const int threshold = 256 - static_cast<int>(strength * 256);
      return looked_up(image, lookup_of([&](int i) { return i < threshold ? i : 255 - i; }));
    }
    case Change::solarize_add: {
      const int added = static_cast<int>(strength * 110);
      return looked_up(image, lookup_of([&](int i) { return i < 128 ? i + added : i; }));
    }
    case Change::color:
      return blended(grey(image), image, factor);
    case Change::contrast:
      return blended(even(image), image, factor);
    case Change::brightness:
      return looked_up(image, lookup_of([&](int i) {
                         return static_cast<float>(factor) * static_cast<float>(i);
                       }));
    case Change::sharpness:
      return blended(smooth(image), image, factor);
    case Change::rotate:
      return moved(image, rotation(image, sign * 30 * strength), fill);
    case Change::shear_x:
      return moved(image, {1, sign * 0.3 * strength, 0, 0, 1, 0}, fill);
    case Change::shear_y:
      return moved(image, {1, 0, 0, sign * 0.3 * strength, 1, 0}, fill);
    case Change::translate_x:
      return moved(image, {1, 0, sign * 0.45 * strength * image.width, 0, 1, 0}, fill);
    case Change::translate_y:
      return moved(image, {1, 0, 0, 0, 1, sign * 0.45 * strength * image.height}, fill);
  }
  return image;
}

}  // namespace fovea
