// JPEG through libjpeg-turbo, with the colours that Pillow makes of each kind.
#include <csetjmp>
#include <cstdio>
#include <cstring>

// jpeglib.h needs FILE from before.
#include <jerror.h>
#include <jpeglib.h>

#include "fovea/data/decoders.h"
#include "fovea/data/orientation.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

constexpr int kExif = JPEG_APP0 + 1;
constexpr int kMostScans = 500;  // a progressive picture of a few bytes could ask for hours of work

// libjpeg's state, and the way out of it: its errors jump, so no function that calls it may hold
// objects with destructors.
class JpegReader {
 public:
  JpegReader(std::span<const std::byte> bytes, bool accepts_end) : bytes_(bytes) {
    errors_.accepts_end = accepts_end;
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = [](j_common_ptr info) {
      info->err->format_message(info, errors_of(info)->message);
      std::longjmp(errors_of(info)->jump, 1);
    };
    errors_.base.output_message = [](j_common_ptr) {};
    errors_.base.emit_message = [](j_common_ptr info, int level) {
      // Pillow forgives other damage, but not a file that ends too early, unless it is told to.
      if (level >= 0 || info->err->msg_code != JWRN_JPEG_EOF) return;
      errors_of(info)->ended = true;
      if (!errors_of(info)->accepts_end) info->err->error_exit(info);
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
    jpeg_save_markers(&info_, kExif, 0xFFFF);
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_read_header(&info_, TRUE);
    const bool is_cmyk = info_.num_components == 4;
    info_.out_color_space = is_cmyk                     ? JCS_CMYK
                            : info_.num_components == 1 ? JCS_GRAYSCALE
                                                        : JCS_RGB;
    orientation_ = stated_orientation();  // the markers are gone when all is read
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
  int orientation() const { return orientation_; }
  bool ended() const { return errors_.ended; }
  const char* message() const { return errors_.message; }

 private:
  struct Errors {
    jpeg_error_mgr base;  // first, so that libjpeg's pointer to it is one to the whole
    std::jmp_buf jump;
    bool accepts_end;
    bool ended;
    char message[JMSG_LENGTH_MAX];
  };
  static Errors* errors_of(j_common_ptr info) { return reinterpret_cast<Errors*>(info->err); }

  int stated_orientation() const {
    for (const auto* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::span<const JOCTET> data(marker->data, marker->data_length);
      if (data.size() > 4 && std::memcmp(data.data(), "Exif", 4) == 0) {
        return exif_orientation(std::as_bytes(data));
      }
    }
    return 1;
  }

  std::span<const std::byte> bytes_;
  Errors errors_ = {};
  jpeg_progress_mgr progress_ = {};
  jpeg_decompress_struct info_ = {};
  bool created_ = false;
  int orientation_ = 1;
};

// Where the last marker begins that stands for more than itself; 0 where there is none.
size_t last_marker(std::span<const std::byte> bytes) {
  for (size_t at = bytes.size(); at >= 2; --at) {
    const auto code = std::to_integer<int>(bytes[at - 1]);
    const bool stands_alone = code == 0 || (code >= 0xD0 && code <= 0xD9) || code == 0xFF;
    if (bytes[at - 2] == std::byte{0xFF} && !stands_alone) return at - 2;
  }
  return 0;
}

// The samples of a JPEG, as it has them.
struct Samples {
  Decoded picture;
  size_t components = 0;
  std::vector<uint8_t> values;
};

Samples read_samples(std::span<const std::byte> bytes, const std::string& name,
                     const ReadOptions& options, bool may_cut) {
  JpegReader reader(bytes, options.accept_truncated);
  if (!reader.read_header()) fail("{}: broken JPEG: {}", name, printable(reader.message()));
  check_image_size(reader.width(), reader.height(), name, options.max_pixels);
  const size_t components = reader.components();
  if (components != 1 && components != 3 && components != 4) {
    fail("{}: a JPEG of {} components; expected 1, 3 or 4", name, components);
  }
  std::vector<uint8_t> values(components * reader.width() * reader.height());
  if (!reader.read_rows(values.data(), reader.width() * components)) {
    // Where the file ends within a table: once more, without that.
    const size_t end = may_cut && reader.ended() ? last_marker(bytes) : 0;
    if (end > 0) return read_samples(bytes.first(end), name, options, false);
    fail("{}: broken JPEG: {}", name, printable(reader.message()));
  }
  return {{.width = reader.width(), .height = reader.height(), .orientation = reader.orientation()},
          components,
          std::move(values)};
}

}  // namespace

void cmyk_to_rgb(const uint8_t* cmyk, uint8_t* rgb) {
  const uint32_t light = cmyk[3];
  for (int i = 0; i < 3; ++i) {
    rgb[i] = static_cast<uint8_t>(light - over_255((255U - cmyk[i]) * light + 128));
  }
}

Decoded decode_jpeg(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options) {
  auto [picture, components, samples] =
      read_samples(bytes, name, options, options.accept_truncated);
  const size_t pixels = samples.size() / components;
  if (components == 3) {
    picture.samples = std::move(samples);
    return picture;
  }
  picture.samples.resize(pixels * 3);
  for (size_t i = 0; i < pixels; ++i) {
    uint8_t* rgb = picture.samples.data() + 3 * i;
    if (components == 4) {
      cmyk_to_rgb(samples.data() + 4 * i, rgb);
    } else {
      rgb[0] = rgb[1] = rgb[2] = samples[i];
    }
  }
  return picture;
}

}  // namespace fovea
