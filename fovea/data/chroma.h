// Colours that a file has at half the resolution of the light.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fovea {

// 8-bit planes: y of width x height, u and v of half of that, rounded up.
struct HalvedChroma {
  struct Plane {
    const uint8_t* first = nullptr;
    ptrdiff_t stride = 0;  // bytes from row to row
  };
  int width = 0;
  int height = 0;
  Plane y = {};
  Plane u = {};
  Plane v = {};
  double red = 0.299;         // the share of the light that is red, as the file's matrix has it
  double blue = 0.114;        // likewise
  bool is_full_range = true;  // from 0 to 255; else light from 16 to 235, colours to 240
};

// To RGB, `channels` bytes from pixel to pixel in `to`. Between the colours, each of which lies in
// the middle of four pixels, it interpolates, as libavif does.
void put_rgb(const HalvedChroma& from, size_t channels, uint8_t* to);

}  // namespace fovea
