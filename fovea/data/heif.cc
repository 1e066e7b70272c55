// HEIC and AVIF through libheif, where it is installed. What is used of it is declared here, as its
// header does: that is not needed to build.
#include <algorithm>
#include <memory>

#include "fovea/data/decoders.h"
#include "fovea/data/shared_library.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

// As in libheif/heif.h; the structs behind pointers are libheif's alone.
struct HeifError {
  int code;  // 0: none
  int subcode;
  const char* message;
};
constexpr int kRgb = 1;                // heif_colorspace_RGB
constexpr int kInterleavedRgb = 10;    // heif_chroma_interleaved_RGB
constexpr int kInterleavedRgba = 11;   // heif_chroma_interleaved_RGBA
constexpr int kInterleavedPlane = 10;  // heif_channel_interleaved

struct LibHeif {
  void* (*context_alloc)() = nullptr;
  void (*context_free)(void* context) = nullptr;
  HeifError (*read)(void* context, const void* bytes, size_t size, const void* options) = nullptr;
  HeifError (*primary)(void* context, void** handle) = nullptr;
  void (*handle_release)(const void* handle) = nullptr;
  int (*handle_width)(const void* handle) = nullptr;
  int (*handle_height)(const void* handle) = nullptr;
  int (*handle_has_alpha)(const void* handle) = nullptr;
  HeifError (*decode)(const void* handle, void** image, int colours, int chroma,
                      const void* options) = nullptr;
  int (*image_width)(const void* image, int channel) = nullptr;
  int (*image_height)(const void* image, int channel) = nullptr;
  const uint8_t* (*plane)(const void* image, int channel, int* stride) = nullptr;
  void (*image_release)(const void* image) = nullptr;
  bool is_there = false;
};

LibHeif load() {
  SharedLibrary library({"libheif.so.1"});
  LibHeif heif;
  library.find("heif_context_alloc", heif.context_alloc);
  library.find("heif_context_free", heif.context_free);
  library.find("heif_context_read_from_memory_without_copy", heif.read);
  library.find("heif_context_get_primary_image_handle", heif.primary);
  library.find("heif_image_handle_release", heif.handle_release);
  library.find("heif_image_handle_get_width", heif.handle_width);
  library.find("heif_image_handle_get_height", heif.handle_height);
  library.find("heif_image_handle_has_alpha_channel", heif.handle_has_alpha);
  library.find("heif_decode_image", heif.decode);
  library.find("heif_image_get_width", heif.image_width);
  library.find("heif_image_get_height", heif.image_height);
  library.find("heif_image_get_plane_readonly", heif.plane);
  library.find("heif_image_release", heif.image_release);
  heif.is_there = library.is_whole();
  return heif;
}

const LibHeif& libheif() {
  static const LibHeif heif = load();
  return heif;
}

// What libheif gave, to be released when it goes out of scope.
template <class Release>
class Held {
 public:
  explicit Held(Release release, void* object = nullptr) : release_(release), object_(object) {}
  ~Held() {
    if (object_ != nullptr) release_(object_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  void* get() const { return object_; }
  void** out() { return &object_; }

 private:
  Release release_;
  void* object_;
};

void check(const HeifError& error, const std::string& name, const char* format) {
  if (error.code == 0) return;
  const std::string message = error.message == nullptr ? "" : error.message;
  fail("{}: broken {}: {}", name, format, printable(message.empty() ? "no reason given" : message));
}

Decoded decode(std::span<const std::byte> bytes, const std::string& name, const char* format,
               const ReadOptions& options) {
  const LibHeif& heif = libheif();
  if (!heif.is_there) {
    throw MissingLibrary(name, fmt::format("{} is read through libheif.so.1, which is not "
                                           "installed (Debian package libheif1)",
                                           format));
  }
  const Held context(heif.context_free, heif.context_alloc());
  if (context.get() == nullptr) throw std::bad_alloc();
  check(heif.read(context.get(), bytes.data(), bytes.size(), nullptr), name, format);
  Held handle(heif.handle_release);
  check(heif.primary(context.get(), handle.out()), name, format);
  const int width = heif.handle_width(handle.get());
  const int height = heif.handle_height(handle.get());
  check_image_size(width, height, name, options.max_pixels);
  Decoded picture{.width = width,
                  .height = height,
                  .has_alpha = options.background && heif.handle_has_alpha(handle.get()) != 0};
  Held image(heif.image_release);
  const int chroma = picture.has_alpha ? kInterleavedRgba : kInterleavedRgb;
  check(heif.decode(handle.get(), image.out(), kRgb, chroma, nullptr), name, format);
  int stride = 0;
  const uint8_t* rows = heif.plane(image.get(), kInterleavedPlane, &stride);
  if (rows == nullptr || heif.image_width(image.get(), kInterleavedPlane) != width ||
      heif.image_height(image.get(), kInterleavedPlane) != height) {
    fail("{}: broken {}: its pixels are not the {} x {} that it says", name, format, width, height);
  }
  const size_t row_bytes = size_t{picture.has_alpha ? 4U : 3U} * width;
  picture.samples.resize(row_bytes * height);
  for (int y = 0; y < height; ++y) {
    std::copy_n(rows + ptrdiff_t{stride} * y, row_bytes, picture.samples.data() + row_bytes * y);
  }
  return picture;
}

}  // namespace

Decoded decode_heic(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options) {
  return decode(bytes, name, "HEIC", options);
}

Decoded decode_avif(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options) {
  return decode(bytes, name, "AVIF", options);
}

}  // namespace fovea
