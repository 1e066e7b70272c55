// PNG and APNG through libpng. It writes no animations itself: their chunks are put together from
// pictures that it wrote (https://www.w3.org/TR/png-3/#apng-frame-based-animation).
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <new>
#include <string_view>

#include "fovea/data/encoders.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

// How a PNG keeps its pixels.
struct Pixels {
  int colour_type;
  int bits;      // of a channel
  int channels;  // of a pixel
};
constexpr Pixels kRgb = {PNG_COLOR_TYPE_RGB, 8, 3};
constexpr Pixels kRgba = {PNG_COLOR_TYPE_RGB_ALPHA, 8, 4};
constexpr Pixels kGrey8 = {PNG_COLOR_TYPE_GRAY, 8, 1};
constexpr Pixels kGrey16 = {PNG_COLOR_TYPE_GRAY, 16, 1};

struct Chunk {
  std::string type;  // four letters
  std::string data;
};

// libpng's state, and the way out of it: its errors jump, so no function that calls it may hold
// objects with destructors.
class PngWriter {
 public:
  PngWriter() {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, on_error,
                                   [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  // These return false on errors; message() then says which.
  bool write_picture(int width, int height, const Pixels& pixels, const uint8_t* const* rows) {
    if (!begin()) return false;
    if (setjmp(jump_) != 0) return false;
    png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);
    png_set_IHDR(png_, info_, width, height, pixels.bits, pixels.colour_type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    // Numbers of masks are no colours.
    if (pixels.channels >= 3) png_set_sRGB(png_, info_, PNG_sRGB_INTENT_PERCEPTUAL);
    png_write_info(png_, info_);
    for (int y = 0; y < height; ++y) png_write_row(png_, rows[y]);
    png_write_end(png_, nullptr);
    return true;
  }
  bool write_chunks(const Chunk* chunks, size_t count) {
    if (!begin()) return false;
    if (setjmp(jump_) != 0) return false;
    png_write_sig(png_);
    for (const Chunk* chunk = chunks; chunk != chunks + count; ++chunk) {
      png_write_chunk(png_, reinterpret_cast<png_const_bytep>(chunk->type.data()),
                      reinterpret_cast<png_const_bytep>(chunk->data.data()), chunk->data.size());
    }
    return true;
  }

  std::string& bytes() { return bytes_; }
  const char* message() const { return message_; }

 private:
  bool begin() {
    if (info_ == nullptr) return false;
    png_set_write_fn(png_, this, on_write, [](png_structp) {});
    return true;
  }
  static void on_error(png_structp png, png_const_charp message) {
    auto* writer = static_cast<PngWriter*>(png_get_error_ptr(png));
    std::snprintf(writer->message_, sizeof(writer->message_), "%s", message);
    std::longjmp(writer->jump_, 1);
  }
  static void on_write(png_structp png, png_bytep data, size_t count) {
    auto* writer = static_cast<PngWriter*>(png_get_io_ptr(png));
    if (!writer->append(data, count)) png_error(png, "no memory");
  }
  bool append(const uint8_t* data, size_t count) noexcept {
    try {
      bytes_.append(reinterpret_cast<const char*>(data), count);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  std::string bytes_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf jump_ = {};
  char message_[128] = "no memory";
};

// Numbers of PNG are big-endian.
std::string big_endian(uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xFF);
  return text;
}

uint32_t number_at(std::string_view bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

// The chunks of a PNG that we wrote ourselves.
std::vector<Chunk> chunks_of(std::string_view png) {
  std::vector<Chunk> chunks;
  png.remove_prefix(8);  // signature
  while (!png.empty()) {
    const uint32_t size = number_at(png);
    chunks.push_back({std::string(png.substr(4, 4)), std::string(png.substr(8, size))});
    png.remove_prefix(size_t{12} + size);  // length, type, data, checksum
  }
  return chunks;
}

std::string frame_control(const Frame& frame, uint32_t sequence) {
  const std::string at_the_corner(8, '\0');
  const std::string replace_all(2, '\0');  // dispose none, blend source
  return big_endian(sequence, 4) + big_endian(frame.image.width, 4) +
         big_endian(frame.image.height, 4) + at_the_corner +
         big_endian(std::clamp(frame.milliseconds, 0, 65535), 2) + big_endian(1000, 2) +
         replace_all;
}

// The chunks of an animation; sequence numbers count frame controls and later frames' data.
class Animation {
 public:
  explicit Animation(size_t frames) : frames_(frames) {}

  void add(const Frame& frame) {
    const bool is_first = chunks_.empty();
    bool controlled = false;
    for (Chunk& chunk : chunks_of(encode_png(frame.image))) {
      if (chunk.type == "IDAT") {
        if (!controlled) control(frame, is_first);
        controlled = true;
        if (!is_first) chunk = {"fdAT", big_endian(sequence_++, 4) + chunk.data};
        chunks_.push_back(std::move(chunk));
      } else if (is_first && chunk.type != "IEND") {
        chunks_.push_back(std::move(chunk));
      }
    }
  }
  const std::vector<Chunk>& finish() {
    chunks_.push_back({"IEND", ""});
    return chunks_;
  }

 private:
  void control(const Frame& frame, bool is_first) {
    const uint32_t for_ever = 0;
    if (is_first) {
      chunks_.push_back(
          {"acTL", big_endian(static_cast<uint32_t>(frames_), 4) + big_endian(for_ever, 4)});
    }
    chunks_.push_back({"fcTL", frame_control(frame, sequence_++)});
  }

  size_t frames_;
  uint32_t sequence_ = 0;
  std::vector<Chunk> chunks_;
};

std::string encode(std::span<const uint8_t> bytes, int width, int height, const Pixels& pixels) {
  const size_t stride = size_t{1} * width * pixels.channels * pixels.bits / 8;
  if (height < 1 || bytes.size() != stride * height) {
    fail("PNG of {} x {} pixels: {} bytes; expected {}", width, height, bytes.size(),
         stride * height);
  }
  std::vector<const uint8_t*> rows(height);
  for (int y = 0; y < height; ++y) rows[y] = bytes.data() + stride * y;
  PngWriter writer;
  if (!writer.write_picture(width, height, pixels, rows.data())) {
    fail("PNG of {} x {} pixels: {}", width, height, writer.message());
  }
  return std::move(writer.bytes());
}

}  // namespace

std::string encode_png(const Image& image) {
  return encode(image.rgb, image.width, image.height, kRgb);
}

std::string encode_png(const Image& image, std::span<const uint8_t> alpha) {
  std::vector<uint8_t> rgba;
  rgba.reserve(alpha.size() * 4);
  for (size_t i = 0; i < alpha.size() && 3 * i < image.rgb.size(); ++i) {
    rgba.insert(rgba.end(), &image.rgb[3 * i], &image.rgb[3 * i] + 3);
    rgba.push_back(alpha[i]);
  }
  return encode(rgba, image.width, image.height, kRgba);
}

std::string encode_grey_png(std::span<const uint8_t> pixels, int width, int height) {
  return encode(pixels, width, height, kGrey8);
}

std::string encode_grey_png(std::span<const uint16_t> pixels, int width, int height) {
  std::vector<uint8_t> bytes;  // numbers of PNG are big-endian
  bytes.reserve(pixels.size() * 2);
  for (const uint16_t value : pixels) {
    bytes.push_back(static_cast<uint8_t>(value >> 8));
    bytes.push_back(static_cast<uint8_t>(value & 0xFF));
  }
  return encode(bytes, width, height, kGrey16);
}

std::string encode_apng(std::span<const Frame> frames) {
  check_frames(frames);
  Animation animation(frames.size());
  for (const Frame& frame : frames) animation.add(frame);
  const std::vector<Chunk>& chunks = animation.finish();
  PngWriter writer;
  if (!writer.write_chunks(chunks.data(), chunks.size())) {
    fail("APNG of {} frames: {}", frames.size(), writer.message());
  }
  return std::move(writer.bytes());
}

}  // namespace fovea
