#include "fovea/report/masks.h"

#include <algorithm>
#include <cmath>

#include "fovea/io/fail.h"
#include "fovea/report/groups.h"

namespace fovea {
namespace {

void check(const Image& picture, std::span<const uint16_t> labels) {
  const int64_t pixels = int64_t{picture.width} * picture.height;
  if (static_cast<int64_t>(labels.size()) == pixels) return;
  fail("{} numbers of masks for a picture of {} x {} pixels; expected one for each", labels.size(),
       picture.width, picture.height);
}

// As thick as they look the same in pictures of all sizes on one screen.
int thickness_in(const Image& picture) {
  constexpr int kPixelsALine = 640;
  return std::max(1, (std::max(picture.width, picture.height) + kPixelsALine / 2) / kPixelsALine);
}

}  // namespace

Rgb mask_colour(int number) {
  // Steps of the golden angle: numbers near each other have colours that are not. From blue.
  const double hue = std::fmod(210 + 137.508 * (number - 1), 360) / 60;
  const auto channel = [&](double offset) {
    const double away = std::abs(std::fmod(hue + offset, 6) - 3);  // 0 to 3: how far off the peak
    return static_cast<uint8_t>(std::lround(30 + 225 * std::clamp(away - 1, 0.0, 1.0)));
  };
  return {channel(0), channel(4), channel(2)};
}

Image draw_masks(const Image& picture, std::span<const uint16_t> labels) {
  check(picture, labels);
  const PatchLabels pixels{picture.height, picture.width, {labels.begin(), labels.end()}};
  return draw_patches(
      picture, pixels, Lines::between,
      [](int32_t label, const Rgb& was, int, int) {
        if (label == 0) return was;
        Rgb drawn = mask_colour(label);
        std::transform(drawn.begin(), drawn.end(), was.begin(), drawn.begin(),
                       [](int a, int b) { return static_cast<uint8_t>((a + b) / 2); });
        return drawn;
      },
      thickness_in(picture));
}

CutOut cut_out(const Image& picture, std::span<const uint16_t> labels) {
  check(picture, labels);
  CutOut cut{picture, std::vector<uint8_t>(labels.size(), 255)};
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != 0) continue;
    cut.alpha[i] = 0;
    std::fill_n(cut.image.rgb.begin() + static_cast<std::ptrdiff_t>(3 * i), 3, 0);
  }
  return cut;
}

}  // namespace fovea
