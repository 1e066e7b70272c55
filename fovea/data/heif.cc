// HEIC and AVIF through libheif, where it is installed.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "fovea/data/chroma.h"
#include "fovea/data/decoders.h"
#include "fovea/data/libheif.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

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

using HeifImage = Held<void (*)(const void*)>;

// A plane of so many pixels; nullptr where it has others.
const uint8_t* plane_of(const HeifImage& image, int channel, int width, int height,
                        ptrdiff_t& stride) {
  const LibHeif& heif = libheif();
  int bytes = 0;
  const uint8_t* plane = heif.plane(image.get(), channel, &bytes);
  stride = bytes;
  const bool fits = plane != nullptr && heif.image_width(image.get(), channel) == width &&
                    heif.image_height(image.get(), channel) == height;
  return fits ? plane : nullptr;
}

// The shares of red and blue in the light, by the number of the matrix; false of others.
bool set_matrix(int matrix, HalvedChroma& chroma) {
  const bool is_709 = matrix == 1;
  const bool is_601 = matrix == 2 || matrix == 5 || matrix == 6;  // 2: nothing is said
  const bool is_2020 = matrix == 9;
  chroma.red = is_709 ? 0.2126 : is_601 ? 0.299 : 0.2627;
  chroma.blue = is_709 ? 0.0722 : is_601 ? 0.114 : 0.0593;
  return is_709 || is_601 || is_2020;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Calls visit(rest of the file from there on) for every place where `mark` and `size` bytes in all
// stand.
template <class Visit>
void for_marks(std::string_view text, std::string_view mark, size_t size, const Visit& visit) {
  for (size_t at = text.find(mark); at < text.size(); at = text.find(mark, at + 1)) {
    if (text.size() - at >= size) visit(text.substr(at));
  }
}

// Whether an AVIF says of a picture in it that it has 8 bits and colours at half the resolution:
// libheif doesn't tell. Scans for the box that says so.
bool has_halved_chroma(std::span<const std::byte> bytes) {
  constexpr size_t kFlags = 6;  // from the box's name on
  bool found = false;
  for_marks(as_text(bytes), "av1C", kFlags + 1, [&](std::string_view box) {
    // More than 8 bits; no colours; halved in width; in height.
    found = found || (static_cast<unsigned char>(box[kFlags]) & 0b0101'1100) == 0b0000'1100;
  });
  return found;
}

// How an AVIF means its colours.
struct Colours {
  int matrix;
  bool is_full_range;
  friend bool operator==(const Colours&, const Colours&) = default;
};

// As the box that says so has it; none where there is no such box, or boxes of several pictures
// differ. libheif tells too, but loses memory where the box has numbers that it doesn't know.
std::optional<Colours> colours_of(std::span<const std::byte> bytes) {
  constexpr size_t kMatrix = 12;  // from the box's name on: 16 bits, big-endian, and then a flag
  std::vector<Colours> found;
  for_marks(as_text(bytes), "colrnclx", kMatrix + 3, [&](std::string_view box) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(box[at]); };
    found.push_back({byte(kMatrix) << 8 | byte(kMatrix + 1), byte(kMatrix + 2) >= 0x80});
  });
  if (found.empty() || std::count(found.begin(), found.end(), found.front()) !=
                           static_cast<std::ptrdiff_t>(found.size())) {
    return std::nullopt;
  }
  return found.front();
}

// Enlarges such colours smoothly, which libheif doesn't. False where it is not known how they are
// meant.
bool decode_halved(const void* handle, const Colours& colours, const std::string& name,
                   const char* format, Decoded& picture) {
  const LibHeif& heif = libheif();
  HalvedChroma chroma = {
      .width = picture.width, .height = picture.height, .is_full_range = colours.is_full_range};
  if (!set_matrix(colours.matrix, chroma)) return false;
  HeifImage image(heif.image_release);
  check(heif.decode(handle, image.out(), kYcbcr, kHalved, nullptr), name, format);
  const int width = (picture.width + 1) / 2;
  const int height = (picture.height + 1) / 2;
  const auto plane = [&](int channel, int columns, int rows, HalvedChroma::Plane& to) {
    to.first = plane_of(image, channel, columns, rows, to.stride);
    return to.first != nullptr;
  };
  HalvedChroma::Plane alpha = {};
  if (!plane(kLightPlane, picture.width, picture.height, chroma.y) ||
      !plane(kBluePlane, width, height, chroma.u) || !plane(kRedPlane, width, height, chroma.v) ||
      (picture.has_alpha && !plane(kAlphaPlane, picture.width, picture.height, alpha))) {
    return false;
  }
  const size_t channels = picture.has_alpha ? 4 : 3;
  put_rgb(chroma, channels, picture.samples.data());
  for (int y = 0; alpha.first != nullptr && y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      const size_t pixel = size_t{1} * y * picture.width + x;
      picture.samples[4 * pixel + 3] = alpha.first[alpha.stride * y + x];
    }
  }
  return true;
}

// As libheif makes RGB of it.
void decode_rgb(const void* handle, const std::string& name, const char* format, Decoded& picture) {
  const LibHeif& heif = libheif();
  HeifImage image(heif.image_release);
  const int chroma = picture.has_alpha ? kInterleavedRgba : kInterleavedRgb;
  check(heif.decode(handle, image.out(), kRgb, chroma, nullptr), name, format);
  ptrdiff_t stride = 0;
  const uint8_t* rows = plane_of(image, kInterleavedPlane, picture.width, picture.height, stride);
  if (rows == nullptr) {
    fail("{}: broken {}: its pixels are not the {} x {} that it says", name, format, picture.width,
         picture.height);
  }
  const size_t row_bytes = size_t{picture.has_alpha ? 4U : 3U} * picture.width;
  for (int y = 0; y < picture.height; ++y) {
    std::copy_n(rows + stride * y, row_bytes, picture.samples.data() + row_bytes * y);
  }
}

Decoded decode(std::span<const std::byte> bytes, const std::string& name, const char* format,
               const ReadOptions& options, bool is_avif) {
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
  Decoded picture{.width = heif.handle_width(handle.get()),
                  .height = heif.handle_height(handle.get()),
                  .has_alpha = options.background && heif.handle_has_alpha(handle.get()) != 0};
  check_image_size(picture.width, picture.height, name, options.max_pixels);
  picture.samples.resize(size_t{picture.has_alpha ? 4U : 3U} * picture.width * picture.height);
  std::optional<Colours> colours;
  if (is_avif && has_halved_chroma(bytes)) colours = colours_of(bytes);
  if (!colours || !decode_halved(handle.get(), *colours, name, format, picture)) {
    decode_rgb(handle.get(), name, format, picture);
  }
  return picture;
}

}  // namespace

// As pillow-heif, which reads it through libheif too.
Decoded decode_heic(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options) {
  return decode(bytes, name, "HEIC", options, false);
}

// As Pillow, which reads it through libavif.
Decoded decode_avif(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options) {
  return decode(bytes, name, "AVIF", options, true);
}

}  // namespace fovea
