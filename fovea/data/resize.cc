// Two passes of weighted sums in fixed point, over only what the window needs.
#include "fovea/data/resize.h"

#include <algorithm>

#include "fovea/model/taps.h"

namespace fovea {
namespace {

constexpr int kFractionBits = 32 - 8 - 2;  // Pillow's precision for 8-bit pictures

// Taps in fixed point.
struct FixedTaps {
  int first = 0;
  std::vector<int32_t> weights;
};

std::vector<FixedTaps> fixed_taps(int from, int to, int begin, int count,
                                  Interpolation interpolation) {
  const std::vector<Taps> taps = make_taps(from, to, interpolation);
  std::vector<FixedTaps> fixed(count);
  for (int i = 0; i < count; ++i) {
    fixed[i].first = taps[begin + i].first;
    for (const double weight : taps[begin + i].weights) {
      const double scaled = weight * (1 << kFractionBits);
      fixed[i].weights.push_back(static_cast<int32_t>(scaled + (scaled < 0 ? -0.5 : 0.5)));
    }
  }
  return fixed;
}

uint8_t to_byte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

constexpr int32_t kHalf = 1 << (kFractionBits - 1);

// One row to the columns of the taps.
void resize_row(const uint8_t* row, const std::vector<FixedTaps>& taps, uint8_t* out) {
  for (const FixedTaps& tap : taps) {
    int32_t red = kHalf;
    int32_t green = kHalf;
    int32_t blue = kHalf;
    const uint8_t* pixel = row + size_t{3} * tap.first;
    for (const int32_t weight : tap.weights) {
      red += pixel[0] * weight;
      green += pixel[1] * weight;
      blue += pixel[2] * weight;
      pixel += 3;
    }
    *out++ = to_byte(red);
    *out++ = to_byte(green);
    *out++ = to_byte(blue);
  }
}

// Rows `first`, ... of a picture of `width` pixels, weighted into one.
void blend_rows(const uint8_t* rows, int width, const FixedTaps& tap, std::vector<int32_t>& sums,
                uint8_t* out) {
  const size_t bytes = size_t{3} * width;
  std::fill(sums.begin(), sums.end(), kHalf);
  for (size_t t = 0; t < tap.weights.size(); ++t) {
    const uint8_t* row = rows + (tap.first + t) * bytes;
    const int32_t weight = tap.weights[t];
    for (size_t i = 0; i < bytes; ++i) sums[i] += row[i] * weight;
  }
  for (size_t i = 0; i < bytes; ++i) out[i] = to_byte(sums[i]);
}

// Only rows [begin, end) of the result are made: the others would not be looked at.
Image resize_width(const Image& image, int width, const PixelBox& window, int begin, int end,
                   Interpolation interpolation) {
  const std::vector<FixedTaps> taps =
      fixed_taps(image.width, width, window.left, window.width, interpolation);
  Image out{window.width, image.height,
            std::vector<uint8_t>(size_t{3} * window.width * image.height)};
  for (int y = begin; y < end; ++y) {
    resize_row(image.rgb.data() + size_t{3} * y * image.width, taps,
               out.rgb.data() + size_t{3} * y * window.width);
  }
  return out;
}

// Cuts columns out of a picture that keeps its width.
Image crop_width(const Image& image, const PixelBox& window) {
  Image out{window.width, image.height,
            std::vector<uint8_t>(size_t{3} * window.width * image.height)};
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* row = image.rgb.data() + size_t{3} * (size_t{1} * y * image.width + window.left);
    std::copy_n(row, size_t{3} * window.width, out.rgb.data() + size_t{3} * y * window.width);
  }
  return out;
}

}  // namespace

Image resize(const Image& image, int width, int height, Interpolation interpolation,
             const PixelBox& window) {
  const std::vector<FixedTaps> taps =
      fixed_taps(image.height, height, window.top, window.height, interpolation);
  const int begin = taps.front().first;
  const int end = taps.back().first + static_cast<int>(taps.back().weights.size());
  // Like Pillow, a side that keeps its length is not filtered at all.
  const Image narrow = width == image.width
                           ? crop_width(image, window)
                           : resize_width(image, width, window, begin, end, interpolation);
  Image out{window.width, window.height,
            std::vector<uint8_t>(size_t{3} * window.width * window.height)};
  std::vector<int32_t> sums(size_t{3} * window.width);
  for (int y = 0; y < window.height; ++y) {
    uint8_t* row = out.rgb.data() + size_t{3} * y * window.width;
    if (height == image.height) {
      std::copy_n(narrow.rgb.data() + size_t{3} * (window.top + y) * window.width,
                  size_t{3} * window.width, row);
    } else {
      blend_rows(narrow.rgb.data(), window.width, taps[y], sums, row);
    }
  }
  return out;
}

}  // namespace fovea
