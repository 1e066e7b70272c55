// GIF through giflib: every frame holds only what changed, in a palette of its own.
#include <gif_lib.h>

#include <algorithm>
#include <memory>
#include <new>

#include "fovea/data/encoders.h"
#include "fovea/data/palette.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

constexpr int kMostColours = 255;  // and one for what stays as it was

// The part of a frame that differs from the one before.
struct Change {
  int left = 0, top = 0, width = 1, height = 1;
  std::vector<Rgb> pixels;      // of the part, row by row
  std::vector<bool> unchanged;  // likewise
};

Rgb rgb_at(const Image& image, size_t index) {
  const uint8_t* rgb = image.rgb.data() + 3 * index;
  return {rgb[0], rgb[1], rgb[2]};
}

// `before` may be null: then all is new. Where nothing is, one unchanged pixel.
Change change(const Image& now, const Image* before) {
  const auto differs = [&](int x, int y) {
    const size_t i = static_cast<size_t>(y) * now.width + x;
    return before == nullptr || rgb_at(now, i) != rgb_at(*before, i);
  };
  int left = now.width, right = 0, top = now.height, bottom = 0;
  for (int y = 0; y < now.height; ++y) {
    for (int x = 0; x < now.width; ++x) {
      if (!differs(x, y)) continue;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = y + 1;
    }
  }
  Change part;
  if (bottom > 0) part = {left, top, right - left, bottom - top, {}, {}};
  for (int y = part.top; y < part.top + part.height; ++y) {
    for (int x = part.left; x < part.left + part.width; ++x) {
      part.pixels.push_back(rgb_at(now, static_cast<size_t>(y) * now.width + x));
      part.unchanged.push_back(!differs(x, y));
    }
  }
  return part;
}

std::vector<Rgb> changed_pixels(const Change& part) {
  std::vector<Rgb> pixels;
  for (size_t i = 0; i < part.pixels.size(); ++i) {
    if (!part.unchanged[i]) pixels.push_back(part.pixels[i]);
  }
  return pixels;
}

bool has_more_colours(std::vector<Rgb> pixels, size_t than) {
  std::sort(pixels.begin(), pixels.end());
  return static_cast<size_t>(std::unique(pixels.begin(), pixels.end()) - pixels.begin()) > than;
}

// What is still to be shown of the colours so far, by channel, of one row; a pixel more on each
// side.
using Errors = std::vector<std::array<float, 3>>;

// Floyd and Steinberg's shares: 7, 3, 5, 1 of 16.
void spread(const std::array<float, 3>& error, size_t x, Errors& row, Errors& next) {
  for (int c = 0; c < 3; ++c) {
    row[x + 1][c] += error[c] * 7 / 16;
    next[x - 1][c] += error[c] * 3 / 16;
    next[x][c] += error[c] * 5 / 16;
    next[x + 1][c] += error[c] * 1 / 16;
  }
}

// The palette's index of each pixel, the errors spread over the neighbours; few bits of what is
// asked for are enough, as the neighbours get what is left.
void dither(const Change& part, std::span<const Rgb> palette, std::vector<uint8_t>& indices) {
  NearestColour nearest(palette);
  Errors row(part.width + 2);
  for (int y = 0; y < part.height; ++y) {
    Errors next(part.width + 2);
    for (int x = 0; x < part.width; ++x) {
      const size_t i = static_cast<size_t>(y) * part.width + x;
      if (part.unchanged[i]) continue;
      std::array<float, 3> wanted;
      Rgb asked;
      for (int c = 0; c < 3; ++c) {
        wanted[c] = std::clamp(part.pixels[i][c] + row[x + 1][c], 0.0F, 255.0F);
        asked[c] = static_cast<uint8_t>((static_cast<int>(wanted[c]) & ~3) + 2);
      }
      indices[i] = static_cast<uint8_t>(nearest(asked));
      std::array<float, 3> error;
      for (int c = 0; c < 3; ++c) error[c] = wanted[c] - palette[indices[i]][c];
      spread(error, x + 1, row, next);
    }
    row = std::move(next);
  }
}

// Each pixel in the nearest colour of the palette; unchanged ones get `transparent`.
std::vector<uint8_t> indices_of(const Change& part, std::span<const Rgb> palette, bool dithered,
                                uint8_t transparent) {
  std::vector<uint8_t> indices(part.pixels.size(), transparent);
  if (dithered) {
    dither(part, palette, indices);
    return indices;
  }
  NearestColour nearest(palette);
  for (size_t i = 0; i < indices.size(); ++i) {
    if (!part.unchanged[i]) indices[i] = static_cast<uint8_t>(nearest(part.pixels[i]));
  }
  return indices;
}

// giflib's handle, writing to a string.
class GifWriter {
 public:
  // Once it is open the destructor closes it, also where this throws.
  GifWriter(int width, int height) : GifWriter() {
    EGifSetGifVersion(gif_, true);
    check(EGifPutScreenDesc(gif_, width, height, 8, 0, nullptr));
    put_loop();
  }
  ~GifWriter() {
    if (gif_ != nullptr) EGifCloseFile(gif_, nullptr);
  }
  GifWriter(const GifWriter&) = delete;
  GifWriter& operator=(const GifWriter&) = delete;

  void add(const Change& part, int milliseconds) {
    const std::vector<Rgb> pixels = changed_pixels(part);
    const std::vector<Rgb> palette =
        pixels.empty() ? std::vector<Rgb>{Rgb{}} : choose_palette(pixels, kMostColours);
    const auto transparent = static_cast<uint8_t>(palette.size());
    // Plain areas would only get noisy by it.
    const bool dithered = has_more_colours(pixels, size_t{32} * kMostColours);
    put_control(hundredths(milliseconds), transparent);
    put_description(part, palette);
    std::vector<uint8_t> indices = indices_of(part, palette, dithered, transparent);
    for (int y = 0; y < part.height; ++y) {
      check(EGifPutLine(gif_, indices.data() + static_cast<size_t>(y) * part.width, part.width));
    }
  }
  std::string finish() {
    int error = 0;
    const int closed = EGifCloseFile(gif_, &error);
    gif_ = nullptr;
    if (closed != GIF_OK) fail("GIF: {}", GifErrorString(error));
    return std::move(bytes_);
  }

 private:
  GifWriter() {
    int error = 0;
    gif_ = EGifOpen(this, on_write, &error);
    if (gif_ == nullptr) fail("GIF: {}", GifErrorString(error));
  }
  static int on_write(GifFileType* gif, const GifByteType* data, int count) {
    try {
      static_cast<GifWriter*>(gif->UserData)
          ->bytes_.append(reinterpret_cast<const char*>(data), static_cast<size_t>(count));
      return count;
    } catch (const std::bad_alloc&) {
      return 0;
    }
  }
  void check(int result) const {
    if (result != GIF_OK) fail("GIF: {}", GifErrorString(gif_->Error));
  }
  void put_loop() {
    const uint8_t for_ever[] = {1, 0, 0};
    check(EGifPutExtensionLeader(gif_, APPLICATION_EXT_FUNC_CODE));
    check(EGifPutExtensionBlock(gif_, 11, "NETSCAPE2.0"));
    check(EGifPutExtensionBlock(gif_, 3, for_ever));
    check(EGifPutExtensionTrailer(gif_));
  }
  // What rounding takes from one frame the next ones get, so that the pace stays.
  int hundredths(int milliseconds) {
    const int64_t wanted = int64_t{left_over_} + std::max(milliseconds, 0);
    left_over_ = static_cast<int>(wanted % 10);
    return static_cast<int>(std::min<int64_t>(wanted / 10, 65535));
  }
  void put_control(int hundredths, int transparent) {
    const GraphicsControlBlock control = {.DisposalMode = DISPOSE_DO_NOT,
                                          .UserInputFlag = false,
                                          .DelayTime = hundredths,
                                          .TransparentColor = transparent};
    GifByteType block[4];
    EGifGCBToExtension(&control, block);
    check(EGifPutExtension(gif_, GRAPHICS_EXT_FUNC_CODE, sizeof(block), block));
  }
  void put_description(const Change& part, std::span<const Rgb> palette) {
    const int entries = 1 << GifBitSize(static_cast<int>(palette.size()) + 1);
    const std::unique_ptr<ColorMapObject, decltype(&GifFreeMapObject)> map(
        GifMakeMapObject(entries, nullptr), GifFreeMapObject);
    if (!map) throw std::bad_alloc();
    for (size_t i = 0; i < palette.size(); ++i) {
      map->Colors[i] = {palette[i][0], palette[i][1], palette[i][2]};
    }
    check(EGifPutImageDesc(gif_, part.left, part.top, part.width, part.height, false, map.get()));
  }

  std::string bytes_;
  int left_over_ = 0;  // milliseconds that were asked for and not given
  GifFileType* gif_ = nullptr;
};

}  // namespace

std::string encode_gif(std::span<const Frame> frames) {
  check_frames(frames);
  const Image& first = frames.front().image;
  constexpr int kLargest = 65535;
  if (first.width > kLargest || first.height > kLargest) {
    fail("GIF of {} x {} pixels; expected at most {} on a side", first.width, first.height,
         kLargest);
  }
  GifWriter gif(first.width, first.height);
  const Image* before = nullptr;
  for (const Frame& frame : frames) {
    gif.add(change(frame.image, before), frame.milliseconds);
    before = &frame.image;
  }
  return gif.finish();
}

}  // namespace fovea
