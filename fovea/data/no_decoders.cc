// In the place of what reads and writes pictures, video, sound and zip files in builds without it.
#include "fovea/data/decoders.h"
#include "fovea/data/encoders.h"
#include "fovea/data/frames.h"
#include "fovea/data/model_input.h"
#include "fovea/data/sound.h"
#include "fovea/io/fail.h"
#include "fovea/io/zip.h"

namespace fovea {
namespace {

[[noreturn]] void refuse(const std::string& name) {
  fail(
      "{}: this build of Fovea reads and writes no pictures, video, sound and zip files "
      "(FOVEA_DECODERS)",
      name);
}

}  // namespace

using Bytes = std::span<const std::byte>;
Decoded decode_jpeg(Bytes, const std::string& name, const ReadOptions&) { refuse(name); }
Decoded decode_png(Bytes, const std::string& name, const ReadOptions&) { refuse(name); }
Decoded decode_webp(Bytes, const std::string& name, const ReadOptions&) { refuse(name); }
Decoded decode_tiff(Bytes, const std::string& name, const ReadOptions&) { refuse(name); }
Decoded decode_heic(Bytes, const std::string& name, const ReadOptions&) { refuse(name); }
Decoded decode_avif(Bytes, const std::string& name, const ReadOptions&) { refuse(name); }

std::unique_ptr<FrameSource> open_video(const SharedBytes& bytes, const ReadOptions&) {
  refuse(bytes->name());
}
std::unique_ptr<SoundReader> open_sound(const std::filesystem::path& path) {
  refuse(path.string());
}
std::unique_ptr<SoundReader> open_sound(const SharedBytes& bytes) { refuse(bytes->name()); }
Array read_input(const MediaSource& files, int64_t i, const InputSpec&) { refuse(files.name(i)); }

std::string encode_png(const Image&) { refuse("PNG"); }
std::string encode_png(const Image&, std::span<const uint8_t>) { refuse("PNG"); }
std::string encode_grey_png(std::span<const uint8_t>, int, int) { refuse("PNG"); }
std::string encode_grey_png(std::span<const uint16_t>, int, int) { refuse("PNG"); }
std::string encode_apng(std::span<const Frame>) { refuse("APNG"); }
std::string encode_gif(std::span<const Frame>) { refuse("GIF"); }

ZipFile::ZipFile(const std::filesystem::path& path) : file_(MappedFile::open(path)) {
  refuse(path.string());
}
void ZipFile::check_readable(std::span<const int64_t>) const {}
std::vector<std::byte> ZipFile::read(int64_t entry) const { refuse(name(entry)); }
std::string ZipFile::name(int64_t) const { return path().string(); }
void ZipFile::Close::operator()(zip*) const {}

}  // namespace fovea
