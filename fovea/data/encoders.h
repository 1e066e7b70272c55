// Pictures to the bytes of files: PNG, and animations as GIF and APNG.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "fovea/data/image.h"

namespace fovea {

// A picture of an animation and for how long it is shown.
struct Frame {
  Image image;
  int milliseconds = 0;
};

// 8-bit RGB.
std::string encode_png(const Image& image);

// The same with alpha, [height, width]: 255 shows the picture's pixel, 0 nothing.
std::string encode_png(const Image& image, std::span<const uint8_t> alpha);

// 8-bit and 16-bit grey, [height, width].
std::string encode_grey_png(std::span<const uint8_t> pixels, int width, int height);
std::string encode_grey_png(std::span<const uint16_t> pixels, int width, int height);

// Throws Error where there is no frame or they differ in size.
void check_frames(std::span<const Frame> frames);

// Animations that go on for ever; all frames have the size of the first. APNG keeps all colours and
// is a PNG of the first frame for programs that don't know animations. GIF has at most 255 colours
// in each frame, chosen for what is new in it (photographs are dithered), and counts time in
// hundredths of a second: frames of 133 ms get 13, 13, 13 and 14. Throw Error as check_frames does,
// and for GIF where a side is longer than 65535 pixels.
std::string encode_apng(std::span<const Frame> frames);
std::string encode_gif(std::span<const Frame> frames);

}  // namespace fovea
