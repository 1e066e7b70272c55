// PNG through libpng, with the colours that Pillow makes of each kind.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "fovea/data/decoders.h"
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
  // To 8-bit RGB, or 16-bit grey where is_deep_grey().
  bool read_rows(uint8_t** rows) {
    // What is missing behind the pixels is of no use.
    if (setjmp(jump_) != 0) return ended_ && has_all_pixels();
    if (!is_deep_grey()) {
      if (depth() == 16) png_set_strip_16(png_);
      png_set_expand_gray_1_2_4_to_8(png_);
      if (colour() == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
      png_set_strip_alpha(png_);  // dropped and not blended
      png_set_gray_to_rgb(png_);
    }
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    // As Pillow does: whether the compressed data are sound, zlib tells by a sum of its own.
    png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  uint32_t width() const { return png_get_image_width(png_, info_); }
  uint32_t height() const { return png_get_image_height(png_, info_); }
  bool is_deep_grey() const { return depth() == 16 && colour() == PNG_COLOR_TYPE_GRAY; }
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

}  // namespace

Image decode_png(std::span<const std::byte> bytes, const std::string& name) {
  PngReader reader(bytes);
  if (!reader.read_header()) fail("{}: broken PNG: {}", name, printable(reader.message()));
  check_image_size(reader.width(), reader.height(), name);
  Image image{static_cast<int>(reader.width()), static_cast<int>(reader.height()), {}};
  const size_t pixels = static_cast<size_t>(image.width) * image.height;
  image.rgb.resize(3 * pixels);
  std::vector<uint8_t*> rows(image.height);
  for (int y = 0; y < image.height; ++y) rows[y] = image.rgb.data() + size_t{3} * y * image.width;
  if (!reader.read_rows(rows.data())) fail("{}: broken PNG: {}", name, printable(reader.message()));
  if (!reader.is_deep_grey()) return image;
  // Two bytes a pixel lie where three will be. Like Pillow: clipped to 255, not scaled.
  for (int y = 0; y < image.height; ++y) {
    for (int x = image.width - 1; x >= 0; --x) {
      const uint8_t* deep = rows[y] + size_t{2} * x;
      std::fill_n(rows[y] + size_t{3} * x, 3, deep[0] != 0 ? 255 : deep[1]);
    }
  }
  return image;
}

}  // namespace fovea
