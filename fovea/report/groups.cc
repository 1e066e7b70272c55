// Mean colours, outlines and hatching, pixel by pixel.
#include "fovea/report/groups.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

// sRGB's numbers as shares of light (IEC 61966-2-1).
const std::array<double, 256>& light_of() {
  static const std::array<double, 256> kTable = [] {
    std::array<double, 256> light = {};
    for (int i = 0; i < 256; ++i) {
      const double s = i / 255.0;
      light[i] = s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
    }
    return light;
  }();
  return kTable;
}

uint8_t number_of(double light) {
  const double s = light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
  return static_cast<uint8_t>(std::lround(255 * std::clamp(s, 0.0, 1.0)));
}

// Where the patches of a picture lie.
struct Grid {
  Grid(const Image& picture, const PatchLabels& labels)
      : patch_height(labels.patch_height > 0 ? labels.patch_height : picture.height / labels.rows),
        patch_width(labels.patch_width > 0 ? labels.patch_width : picture.width / labels.columns) {}
  int patch_height;
  int patch_width;
};

// Whether a side of a picture fits `count` patches of so many pixels.
bool fits(int side, int count, int pixels) {
  return pixels > 0 ? side <= int64_t{count} * pixels : side % count == 0;
}

void check(const Image& picture, const PatchLabels& labels) {
  const int64_t patches = int64_t{labels.rows} * labels.columns;
  if (patches < 1 || static_cast<int64_t>(labels.of.size()) != patches ||
      !fits(picture.height, labels.rows, labels.patch_height) ||
      !fits(picture.width, labels.columns, labels.patch_width)) {
    fail(
        "a picture of {} x {} pixels with {} labels in {} rows of {}; expected a label for each "
        "patch, and sides that are multiples of rows and columns",
        picture.width, picture.height, labels.of.size(), labels.rows, labels.columns);
  }
}

uint8_t* pixel(Image& image, int x, int y) {
  return image.rgb.data() + 3 * (static_cast<size_t>(y) * image.width + x);
}

// The light of a group's pixels.
struct Light {
  std::array<double, 3> sum = {};
  double pixels = 0;
};
using Lights = std::unordered_map<int32_t, Light>;

void add_light(const Image& picture, const PatchLabels& labels, Lights& lights) {
  const Grid grid(picture, labels);
  const std::array<double, 256>& light_of_number = light_of();
  const uint8_t* rgb = picture.rgb.data();
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; x += grid.patch_width) {
      Light& light = lights[labels.at(y / grid.patch_height, x / grid.patch_width)];
      const int pixels = std::min(grid.patch_width, picture.width - x);
      for (int i = 0; i < 3 * pixels; ++i) light.sum[i % 3] += light_of_number[*rgb++];
      light.pixels += pixels;
    }
  }
}

GroupColours mean_colours(const Lights& lights) {
  GroupColours colours;
  for (const auto& [label, light] : lights) {
    for (int c = 0; c < 3; ++c) colours[label][c] = number_of(light.sum[c] / light.pixels);
  }
  return colours;
}

// What is left to see of a removed patch.
Rgb removed_colour(const Rgb& was, int x, int y, int thickness) {
  constexpr int kHatch = 110;
  const bool hatched = (x + y) / thickness % 6 == 0;
  const auto grey = static_cast<uint8_t>(hatched ? kHatch : 24 + grey_of(was) / 5);
  return {grey, grey, grey};
}

// Whether a pixel belongs to the line between groups: the one before it, or for thick lines the one
// after it, across, down or diagonally, has another label.
bool on_line(const PatchLabels& labels, const Grid& grid, const Image& picture, int x, int y,
             int thickness) {
  const int rows[] = {std::max(y - 1, 0) / grid.patch_height,
                      std::min(y + thickness - 1, picture.height - 1) / grid.patch_height};
  const int columns[] = {std::max(x - 1, 0) / grid.patch_width,
                         std::min(x + thickness - 1, picture.width - 1) / grid.patch_width};
  const int32_t label = labels.at(rows[0], columns[0]);
  return labels.at(rows[0], columns[1]) != label || labels.at(rows[1], columns[0]) != label ||
         labels.at(rows[1], columns[1]) != label;
}

void paste(const Image& part, int left, int top, Image& whole) {
  const size_t bytes = size_t{3} * part.width;
  for (int y = 0; y < part.height; ++y) {
    std::copy_n(part.rgb.data() + y * bytes, bytes, pixel(whole, left, top + y));
  }
}

Image white(int width, int height) {
  return {width, height, std::vector<uint8_t>(size_t{3} * width * height, 255)};
}

}  // namespace

int grey_of(const Rgb& colour) { return (2 * colour[0] + 5 * colour[1] + colour[2]) / 8; }

Rgb line_on(const Rgb& colour) {
  const int grey = grey_of(colour);
  Rgb line;
  std::transform(colour.begin(), colour.end(), line.begin(), [&](uint8_t c) {
    return static_cast<uint8_t>(grey < 176 ? (c + 255) / 2 : c * 5 / 8);
  });
  return line;
}

int line_thickness(int patch_height, int patch_width) {
  return std::min(patch_height, patch_width) >= 28 ? 2 : 1;
}

Image draw_patches(const Image& picture, const PatchLabels& labels, Lines lines,
                   const PixelColour& colour, int thickness) {
  check(picture, labels);
  const Grid grid(picture, labels);
  if (thickness == 0) thickness = line_thickness(grid.patch_height, grid.patch_width);
  Image drawn = picture;
  for (int y = 0; y < drawn.height; ++y) {
    for (int x = 0; x < drawn.width; ++x) {
      uint8_t* to = pixel(drawn, x, y);
      const int32_t label = labels.at(y / grid.patch_height, x / grid.patch_width);
      Rgb drawn_as = colour(label, {to[0], to[1], to[2]}, x, y);
      if (lines == Lines::between && on_line(labels, grid, drawn, x, y, thickness)) {
        drawn_as = line_on(drawn_as);
      }
      std::copy(drawn_as.begin(), drawn_as.end(), to);
    }
  }
  return drawn;
}

Image draw_groups(const Image& picture, const PatchLabels& labels) {
  return draw_groups(std::span(&picture, 1), std::span(&labels, 1)).front();
}

std::vector<Image> draw_groups(std::span<const Image> frames, std::span<const PatchLabels> labels) {
  if (labels.size() != frames.size()) {
    fail("{} frames with labels of {}; expected as many", frames.size(), labels.size());
  }
  Lights lights;
  for (size_t i = 0; i < frames.size(); ++i) {
    check(frames[i], labels[i]);
    add_light(frames[i], labels[i], lights);
  }
  const GroupColours colours = mean_colours(lights);
  std::vector<Image> drawn;
  for (size_t i = 0; i < frames.size(); ++i) {
    drawn.push_back(draw_groups(frames[i], labels[i], colours));
  }
  return drawn;
}

Image draw_groups(const Image& picture, const PatchLabels& labels, const GroupColours& colours) {
  check(picture, labels);
  const Grid grid(picture, labels);
  const int thickness = line_thickness(grid.patch_height, grid.patch_width);
  return draw_patches(
      picture, labels, Lines::between, [&](int32_t label, const Rgb& was, int x, int y) {
        return label == kRemoved ? removed_colour(was, x, y, thickness) : colours.at(label);
      });
}

Image draw_windows(const Image& picture, int height, int width) {
  const auto is_first = [](int at, int side) { return at > 0 && at % side == 0; };
  Image drawn = picture;
  for (int y = 0; y < drawn.height; ++y) {
    for (int x = 0; x < drawn.width; ++x) {
      const bool first = is_first(y, height) || is_first(x, width);
      const bool last = (y + 1 < drawn.height && is_first(y + 1, height)) ||
                        (x + 1 < drawn.width && is_first(x + 1, width));
      if (first || last) std::fill_n(pixel(drawn, x, y), 3, first ? 0 : 255);
    }
  }
  return drawn;
}

int count_groups(const PatchLabels& labels) {
  std::vector<int32_t> distinct = labels.of;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  return static_cast<int>(distinct.size() - std::count(distinct.begin(), distinct.end(), kRemoved));
}

Image beside(std::span<const Image> pictures, int gap) {
  int width = -gap;
  int height = 0;
  for (const Image& picture : pictures) {
    width += picture.width + gap;
    height = std::max(height, picture.height);
  }
  Image whole = white(width, height);
  int left = 0;
  for (const Image& picture : pictures) {
    paste(picture, left, 0, whole);
    left += picture.width + gap;
  }
  return whole;
}

Image below(std::span<const Image> pictures, int gap) {
  int width = 0;
  int height = -gap;
  for (const Image& picture : pictures) {
    width = std::max(width, picture.width);
    height += picture.height + gap;
  }
  Image whole = white(width, height);
  int top = 0;
  for (const Image& picture : pictures) {
    paste(picture, 0, top, whole);
    top += picture.height + gap;
  }
  return whole;
}

}  // namespace fovea
