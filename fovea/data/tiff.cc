// TIFF through libtiff, where it is installed, with the colours that Pillow makes of each kind. Of
// several pages the first.
#include <algorithm>
#include <array>
#include <bit>

#include "fovea/data/decoders.h"
#include "fovea/data/libtiff.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

// Tags, and their values, as the format numbers them.
enum Tag : uint32_t {
  image_width = 256,
  image_length = 257,
  bits_per_sample = 258,
  compression = 259,
  photometric = 262,
  orientation = 274,
  samples_per_pixel = 277,
  rows_per_strip = 278,
  planar_config = 284,
  tile_width = 322,
  tile_length = 323,
  extra_samples = 338,
  sample_format = 339,
  jpeg_color_mode = 65538,
};
enum Photometric : uint16_t { white_is_zero = 0, black_is_zero = 1, rgb = 2, cmyk = 5, ycbcr = 6 };
constexpr uint16_t kJpeg = 7;
constexpr uint16_t kSeparatePlanes = 2;
constexpr uint16_t kUnsigned = 1;
constexpr uint16_t kPremultiplied = 1;  // of an extra sample
constexpr uint16_t kUnspecified = 0;
constexpr int kMostSamples = 8;

// What a picture's samples are.
struct Layout {
  uint32_t width, height;
  uint16_t bits, samples, photometric, planes, format, orientation;
  int colours;  // samples that are: 1, 3 or 4; 0 of what only libtiff makes RGB of
  bool has_alpha, is_premultiplied;

  int kept() const { return colours + (has_alpha ? 1 : 0); }
  bool is_deep_grey() const { return bits == 16 && samples == 1; }
};

template <class Number>
Number number(const TiffFile& file, Tag tag, Number otherwise = 0) {
  Number value = otherwise;
  return libtiff().get_or_default(file.get(), tag, &value) != 0 ? value : otherwise;
}

int colours_of(const Layout& layout) {
  if ((layout.bits != 8 && layout.bits != 16) || layout.format != kUnsigned) return 0;
  if (layout.samples > kMostSamples) return 0;
  const bool is_grey = layout.photometric == white_is_zero || layout.photometric == black_is_zero;
  const int colours = is_grey                      ? 1
                      : layout.photometric == rgb  ? 3
                      : layout.photometric == cmyk ? 4
                                                   : 0;
  return layout.samples >= colours ? colours : 0;
}

Layout layout_of(const TiffFile& file) {
  Layout layout = {};
  layout.width = number<uint32_t>(file, image_width);
  layout.height = number<uint32_t>(file, image_length);
  layout.bits = number<uint16_t>(file, bits_per_sample, 1);
  layout.samples = number<uint16_t>(file, samples_per_pixel, 1);
  layout.photometric = number<uint16_t>(file, photometric, 0xFFFF);
  layout.planes = number<uint16_t>(file, planar_config, 1);
  layout.format = number<uint16_t>(file, sample_format, kUnsigned);
  layout.orientation = number<uint16_t>(file, orientation, 1);
  if (layout.orientation < 1 || layout.orientation > 8) layout.orientation = 1;
  if (layout.photometric == ycbcr && number<uint16_t>(file, compression) == kJpeg) {
    libtiff().set(file.get(), jpeg_color_mode, 1);  // RGB comes out of it
    layout.photometric = rgb;
  }
  layout.colours = colours_of(layout);
  uint16_t extras = 0;
  const uint16_t* types = nullptr;
  libtiff().get_or_default(file.get(), extra_samples, &extras, &types);
  const bool has_more = layout.colours % 2 == 1 && layout.samples > layout.colours;
  const uint16_t type = extras > 0 && types != nullptr ? types[0] : 2;
  layout.has_alpha = has_more && type != kUnspecified;
  layout.is_premultiplied = layout.has_alpha && type == kPremultiplied;
  return layout;
}

[[noreturn]] void fail_as_broken(const std::string& name) {
  fail("{}: broken TIFF: {}", name, printable(TiffFile::message()));
}

// The strips or tiles that a file's samples lie in.
struct Blocks {
  bool are_tiles;
  uint32_t width, height;  // of one
  std::vector<uint8_t> bytes;
};

Blocks blocks_of(const TiffFile& file, const Layout& layout, const std::string& name,
                 int64_t max_pixels) {
  const LibTiff& tiff = libtiff();
  Blocks blocks{tiff.is_tiled(file.get()) != 0, layout.width, 0, {}};
  if (blocks.are_tiles) blocks.width = number<uint32_t>(file, tile_width);
  blocks.height = blocks.are_tiles
                      ? number<uint32_t>(file, tile_length)
                      : std::min(number(file, rows_per_strip, layout.height), layout.height);
  check_image_size(blocks.width, blocks.height, name, max_pixels);
  const int samples = layout.planes == kSeparatePlanes ? 1 : layout.samples;
  const int64_t needed = int64_t{blocks.width} * blocks.height * samples * (layout.bits / 8);
  const int64_t size = blocks.are_tiles ? tiff.tile_size(file.get()) : tiff.strip_size(file.get());
  if (size != needed) fail("{}: broken TIFF: parts of {} bytes; expected {}", name, size, needed);
  blocks.bytes.resize(size);
  return blocks;
}

// A sample of a block in 8 bits.
uint8_t narrow(const Blocks& blocks, size_t at, const Layout& layout, bool& saturated) {
  if (layout.bits == 8) return blocks.bytes[at];
  std::array<uint8_t, 2> pair = {blocks.bytes[2 * at], blocks.bytes[2 * at + 1]};
  const auto value = std::bit_cast<uint16_t>(pair);  // libtiff has it in our order
  if (!layout.is_deep_grey()) return static_cast<uint8_t>(value >> 8);
  saturated = saturated || value > 255;
  return static_cast<uint8_t>(std::min<uint16_t>(value, 255));
}

// Samples that are kept, of all pixels, [height, width, kept].
std::vector<uint8_t> read_samples(const TiffFile& file, const Layout& layout,
                                  const std::string& name, int64_t max_pixels, bool& saturated) {
  const LibTiff& tiff = libtiff();
  Blocks blocks = blocks_of(file, layout, name, max_pixels);
  const bool apart = layout.planes == kSeparatePlanes;
  const size_t kept = layout.kept();
  const size_t step = apart ? 1 : layout.samples;  // from pixel to pixel in a block
  std::vector<uint8_t> samples(kept * layout.width * layout.height);
  const auto take = [&](uint32_t left, uint32_t top, size_t first, size_t count) {
    const uint32_t right = std::min(layout.width - left, blocks.width);
    const uint32_t below = std::min(layout.height - top, blocks.height);
    for (uint32_t y = 0; y < below; ++y) {
      for (uint32_t x = 0; x < right; ++x) {
        const size_t from = step * (size_t{y} * blocks.width + x);
        const size_t to = kept * (size_t{top + y} * layout.width + left + x) + first;
        for (size_t i = 0; i < count; ++i) {
          samples[to + i] = narrow(blocks, from + i, layout, saturated);
        }
      }
    }
  };
  const auto size = static_cast<int64_t>(blocks.bytes.size());
  const auto planes = static_cast<uint16_t>(apart ? kept : 1);
  for (uint16_t plane = 0; plane < planes; ++plane) {
    for (uint64_t top = 0; top < layout.height; top += blocks.height) {
      for (uint64_t left = 0; left < layout.width; left += blocks.width) {
        const auto x = static_cast<uint32_t>(left);
        const auto y = static_cast<uint32_t>(top);
        const int64_t got =
            blocks.are_tiles ? tiff.read_tile(file.get(), tiff.tile_at(file.get(), x, y, 0, plane),
                                              blocks.bytes.data(), size)
                             : tiff.read_strip(file.get(), tiff.strip_at(file.get(), y, plane),
                                               blocks.bytes.data(), size);
        if (got < 0) fail_as_broken(name);
        take(x, y, plane, apart ? 1 : kept);
      }
    }
  }
  return samples;
}

// The samples of a pixel, of which the colours are changed, to RGB.
void put_rgb(uint8_t* pixel, const Layout& layout, uint8_t* to) {
  if (layout.colours == 4) {
    for (int i = 0; i < 4; ++i) pixel[i] = 255 - pixel[i];  // inks are dark where they are 255
    return cmyk_to_rgb(pixel, to);
  }
  if (layout.is_premultiplied) {
    const int alpha = pixel[layout.colours];
    for (int i = 0; i < layout.colours; ++i) {
      pixel[i] = alpha == 0 ? 0 : static_cast<uint8_t>(std::min(255 * pixel[i] / alpha, 255));
    }
  }
  const bool is_inverted = layout.photometric == white_is_zero && layout.bits == 8;
  for (int i = 0; i < 3; ++i) {
    const uint8_t value = pixel[layout.colours == 3 ? i : 0];
    to[i] = is_inverted ? 255 - value : value;
  }
}

// Of what has grey, RGB or CMYK in whole bytes.
void read_plain(const TiffFile& file, const Layout& layout, const std::string& name,
                int64_t max_pixels, Decoded& picture) {
  std::vector<uint8_t> samples = read_samples(file, layout, name, max_pixels, picture.saturated);
  const size_t kept = layout.kept();
  const size_t channels = picture.has_alpha ? 4 : 3;
  const size_t pixels = samples.size() / kept;
  picture.samples.resize(channels * pixels);
  for (size_t i = 0; i < pixels; ++i) {
    uint8_t* from = samples.data() + kept * i;
    uint8_t* to = picture.samples.data() + channels * i;
    put_rgb(from, layout, to);
    if (picture.has_alpha) to[3] = from[kept - 1];
  }
}

// Of all else, what libtiff makes of it.
void read_as_rgba(const TiffFile& file, const Layout& layout, const std::string& name,
                  Decoded& picture) {
  std::array<char, 1024> why_not = {};
  if (libtiff().can_read_rgba(file.get(), why_not.data()) == 0) {
    fail("{}: a TIFF of a kind that can't be read: {}", name, printable(why_not.data()));
  }
  std::vector<uint32_t> pixels(size_t{layout.width} * layout.height);
  // As it lies in the file.
  if (libtiff().read_rgba(file.get(), layout.width, layout.height, pixels.data(),
                          layout.orientation, 1) == 0) {
    fail_as_broken(name);
  }
  picture.samples.resize(3 * pixels.size());
  uint8_t* to = picture.samples.data();
  for (const uint32_t pixel : pixels) {
    for (const int shift : {0, 8, 16}) *to++ = static_cast<uint8_t>(pixel >> shift);
  }
}

}  // namespace

Decoded decode_tiff(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options) {
  if (!libtiff().is_there) {
    throw MissingLibrary(name,
                         "TIFF is read through libtiff.so.6 or .5, which is not installed (Debian "
                         "package libtiff6)");
  }
  const TiffFile file(bytes);
  if (!file.is_open()) fail_as_broken(name);
  const Layout layout = layout_of(file);
  check_image_size(layout.width, layout.height, name, options.max_pixels);
  Decoded picture{.width = static_cast<int>(layout.width),
                  .height = static_cast<int>(layout.height),
                  .has_alpha = options.background && layout.has_alpha,
                  .orientation = layout.orientation,
                  .turns_always = true};
  if (layout.colours > 0) {
    read_plain(file, layout, name, options.max_pixels, picture);
  } else {
    read_as_rgba(file, layout, name, picture);
  }
  return picture;
}

}  // namespace fovea
