// JPEG through libjpeg-turbo, with the colours that Pillow makes of each kind.
#include <csetjmp>
#include <cstdio>

// jpeglib.h needs FILE from before.
#include <jerror.h>
#include <jpeglib.h>

#include "fovea/data/decoders.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

constexpr int kMostScans = 500;  // a progressive picture of a few bytes could ask for hours of work

// libjpeg's state, and the way out of it: its errors jump, so no function that calls it may hold
// objects with destructors.
class JpegReader {
 public:
  explicit JpegReader(std::span<const std::byte> bytes) : bytes_(bytes) {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = [](j_common_ptr info) {
      info->err->format_message(info, errors_of(info)->message);
      std::longjmp(errors_of(info)->jump, 1);
    };
    errors_.base.output_message = [](j_common_ptr) {};
    errors_.base.emit_message = [](j_common_ptr info, int level) {
      // Pillow forgives other damage, but not a file that ends too early.
      if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) info->err->error_exit(info);
    };
    progress_.progress_monitor = [](j_common_ptr info) {
      const auto* decompress = reinterpret_cast<j_decompress_ptr>(info);
      if (decompress->input_scan_number <= kMostScans) return;
      std::snprintf(errors_of(info)->message, JMSG_LENGTH_MAX, "more than %d scans", kMostScans);
      std::longjmp(errors_of(info)->jump, 1);
    };
  }
  ~JpegReader() {
    if (created_) jpeg_destroy_decompress(&info_);
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  // These return false on errors; message() then says which.
  bool read_header() {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_decompress(&info_);
    created_ = true;
    info_.progress = &progress_;
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_read_header(&info_, TRUE);
    const bool is_cmyk = info_.num_components == 4;
    info_.out_color_space = is_cmyk                     ? JCS_CMYK
                            : info_.num_components == 1 ? JCS_GRAYSCALE
                                                        : JCS_RGB;
    return true;
  }
  bool read_rows(uint8_t* rows, size_t stride) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_start_decompress(&info_);
    while (info_.output_scanline < info_.output_height) {
      uint8_t* row = rows + info_.output_scanline * stride;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  int width() const { return static_cast<int>(info_.image_width); }
  int height() const { return static_cast<int>(info_.image_height); }
  int components() const { return info_.num_components; }
  const char* message() const { return errors_.message; }

 private:
  struct Errors {
    jpeg_error_mgr base;  // first, so that libjpeg's pointer to it is one to the whole
    std::jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
  };
  static Errors* errors_of(j_common_ptr info) { return reinterpret_cast<Errors*>(info->err); }

  std::span<const std::byte> bytes_;
  Errors errors_ = {};
  jpeg_progress_mgr progress_ = {};
  jpeg_decompress_struct info_ = {};
  bool created_ = false;
};

// a * b / 255, rounded, as Pillow computes it.
int multiply_bytes(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

// Four inks to three colours. Files hold them inverted, as Adobe began it.
void cmyk_to_rgb(const uint8_t* cmyk, uint8_t* rgb) {
  const int light = cmyk[3];
  for (int i = 0; i < 3; ++i)
    rgb[i] = static_cast<uint8_t>(light - multiply_bytes(255 - cmyk[i], light));
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, const std::string& name) {
  JpegReader reader(bytes);
  if (!reader.read_header()) fail("{}: broken JPEG: {}", name, printable(reader.message()));
  check_image_size(reader.width(), reader.height(), name);
  const size_t components = reader.components();
  if (components != 1 && components != 3 && components != 4) {
    fail("{}: a JPEG of {} components; expected 1, 3 or 4", name, components);
  }
  const size_t pixels = static_cast<size_t>(reader.width()) * reader.height();
  std::vector<uint8_t> samples(pixels * components);
  if (!reader.read_rows(samples.data(), reader.width() * components)) {
    fail("{}: broken JPEG: {}", name, printable(reader.message()));
  }
  Image image{reader.width(), reader.height(), {}};
  if (components == 3) {
    image.rgb = std::move(samples);
    return image;
  }
  image.rgb.resize(pixels * 3);
  for (size_t i = 0; i < pixels; ++i) {
    uint8_t* rgb = image.rgb.data() + 3 * i;
    if (components == 4) {
      cmyk_to_rgb(samples.data() + 4 * i, rgb);
    } else {
      rgb[0] = rgb[1] = rgb[2] = samples[i];
    }
  }
  return image;
}

}  // namespace fovea
