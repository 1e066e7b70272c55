// PNG through libpng, with the colours that Pillow makes of each kind.
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "fovea/data/decoders.h"
#include "fovea/data/orientation.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

// libpng's state, and the way out of it: its errors jump, so no function that calls it may hold
// objects with destructors.
class PngReader {
 public:
  explicit PngReader(std::span<const std::byte> bytes) : bytes_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error,
                                  [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  // These return false on errors; message() then says which.
  bool read_header() {
    if (info_ == nullptr || setjmp(jump_) != 0) return false;
    png_set_read_fn(png_, this, on_read);
    png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);  // we name what is too large ourselves
    png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
    png_read_info(png_, info_);
    return true;
  }
  // To 8-bit RGB, or 16-bit grey where is_deep_grey(), either with alpha where it is to be kept.
  bool read_rows(uint8_t** rows, bool keep_alpha, bool accept_truncated) {
    // What is missing behind the pixels is of no use.
    if (setjmp(jump_) != 0) return ended_ && (accept_truncated || has_all_pixels());
    if (!is_deep_grey()) {
      if (depth() == 16) png_set_strip_16(png_);
      png_set_expand_gray_1_2_4_to_8(png_);
      if (colour() == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
      png_set_gray_to_rgb(png_);
    }
    if (keep_alpha) {
      png_set_tRNS_to_alpha(png_);
    } else {
      png_set_strip_alpha(png_);  // dropped and not blended
    }
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    // As Pillow does: whether the compressed data are sound, zlib tells by a sum of its own.
    png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_read_image(png_, rows);
    png_read_end(png_, info_);  // EXIF may stand there
    return true;
  }

  uint32_t width() const { return png_get_image_width(png_, info_); }
  uint32_t height() const { return png_get_image_height(png_, info_); }
  bool is_deep_grey() const { return depth() == 16 && colour() == PNG_COLOR_TYPE_GRAY; }
  bool has_alpha() const {
    return (colour() & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png_, info_, PNG_INFO_tRNS) != 0;
  }
  // What Pillow leaves where a cut file has no pixels, RGBA.
  std::array<uint8_t, 4> colour_of_nothing() const {
    png_colorp palette = nullptr;
    int count = 0;
    if (png_get_PLTE(png_, info_, &palette, &count) == 0 || colour() != PNG_COLOR_TYPE_PALETTE) {
      return {};
    }
    png_bytep opacities = nullptr;
    int transparent = 0;
    png_get_tRNS(png_, info_, &opacities, &transparent, nullptr);
    const uint8_t alpha = transparent > 0 && opacities != nullptr ? opacities[0] : 255;
    return {palette[0].red, palette[0].green, palette[0].blue, alpha};
  }
  int orientation() const {
    png_bytep exif = nullptr;
    png_uint_32 size = 0;
    if (png_get_eXIf_1(png_, info_, &size, &exif) == 0) return 1;
    return exif_orientation(std::as_bytes(std::span(exif, size)));
  }
  const char* message() const { return message_; }

 private:
  bool has_all_pixels() const {
    if (png_get_interlace_type(png_, info_) == PNG_INTERLACE_NONE) {
      return png_get_current_row_number(png_) == height();
    }
    return png_get_current_pass_number(png_) == PNG_INTERLACE_ADAM7_PASSES;
  }

  int depth() const { return png_get_bit_depth(png_, info_); }
  int colour() const { return png_get_color_type(png_, info_); }

  static void on_error(png_structp png, png_const_charp message) {
    auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
    std::snprintf(reader->message_, sizeof(reader->message_), "%s", message);
    std::longjmp(reader->jump_, 1);
  }
  static void on_read(png_structp png, png_bytep out, size_t count) {
    auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > reader->bytes_.size()) {
      reader->ended_ = true;
      png_error(png, "the file ends too early");
    }
    std::memcpy(out, reader->bytes_.data(), count);
    reader->bytes_ = reader->bytes_.subspan(count);
  }

  std::span<const std::byte> bytes_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf jump_ = {};
  bool ended_ = false;  // the file has, before all that was asked for was read
  char message_[128] = "no memory";
};

// Where a file is cut within its compressed pixels, says in the head of that part that it has no
// more: libpng reads a part only if it's whole.
std::vector<std::byte> mended(std::span<const std::byte> bytes) {
  constexpr size_t kSignature = 8;
  constexpr size_t kHead = 8;  // a part's length and name, before its data
  constexpr size_t kSum = 4;   // behind them
  std::vector<std::byte> copy(bytes.begin(), bytes.end());
  size_t at = kSignature;
  while (copy.size() > at && copy.size() - at > kHead) {
    const size_t left = copy.size() - at - kHead;
    auto* length = reinterpret_cast<png_bytep>(copy.data() + at);
    const size_t stated = png_get_uint_32(length);
    if (stated > left && std::memcmp(length + 4, "IDAT", 4) == 0) {
      png_save_uint_32(length, static_cast<png_uint_32>(left));
    }
    at += kHead + stated + kSum;
  }
  return copy;
}

// 16-bit grey to RGB in its place. Like Pillow: clipped to 255, not scaled. True where some was.
bool clip_deep_grey(std::span<uint8_t* const> rows, int64_t width, bool has_alpha) {
  const int64_t from = has_alpha ? 4 : 2;  // bytes a pixel; where there are two, three will be
  const int64_t to = has_alpha ? 4 : 3;
  bool clipped = false;
  for (uint8_t* row : rows) {
    for (int64_t x = width - 1; x >= 0; --x) {
      const uint8_t* deep = row + from * x;
      const bool white = deep[0] != 0;
      const uint8_t alpha = has_alpha ? deep[2] : 0;
      clipped = clipped || white;
      std::fill_n(row + to * x, 3, white ? 255 : deep[1]);
      if (has_alpha) row[to * x + 3] = alpha;
    }
  }
  return clipped;
}

}  // namespace

Decoded decode_png(std::span<const std::byte> bytes, const std::string& name,
                   const ReadOptions& options) {
  std::vector<std::byte> copy;
  if (options.accept_truncated) bytes = copy = mended(bytes);
  PngReader reader(bytes);
  if (!reader.read_header()) fail("{}: broken PNG: {}", name, printable(reader.message()));
  check_image_size(reader.width(), reader.height(), name, options.max_pixels);
  Decoded picture{.width = static_cast<int>(reader.width()),
                  .height = static_cast<int>(reader.height()),
                  .has_alpha = options.background && reader.has_alpha()};
  const std::array<uint8_t, 4> nothing = reader.colour_of_nothing();
  const bool deep_grey = reader.is_deep_grey();
  const size_t channels = picture.has_alpha ? 4 : 3;
  const size_t stride = channels * picture.width;
  picture.samples.resize(stride * picture.height);
  if (options.accept_truncated) {
    for (size_t i = 0; i < picture.samples.size(); ++i) picture.samples[i] = nothing[i % channels];
  }
  std::vector<uint8_t*> rows(picture.height);
  for (int y = 0; y < picture.height; ++y) rows[y] = picture.samples.data() + stride * y;
  if (!reader.read_rows(rows.data(), picture.has_alpha, options.accept_truncated)) {
    fail("{}: broken PNG: {}", name, printable(reader.message()));
  }
  if (deep_grey) {
    picture.saturated = clip_deep_grey(rows, picture.width, picture.has_alpha);
  }
  picture.orientation = reader.orientation();
  return picture;
}

}  // namespace fovea
