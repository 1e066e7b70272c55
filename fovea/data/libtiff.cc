#include "fovea/data/libtiff.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "fovea/data/shared_library.h"

namespace fovea {
namespace {

thread_local std::array<char, 256> t_message = {};

void keep_first(const char* /*module*/, const char* format, va_list values) {
  if (t_message[0] == '\0') std::vsnprintf(t_message.data(), t_message.size(), format, values);
}

LibTiff load() {
  SharedLibrary library({"libtiff.so.6", "libtiff.so.5"});
  LibTiff tiff;
  library.find("TIFFSetErrorHandler", tiff.set_error_handler);
  library.find("TIFFSetWarningHandler", tiff.set_warning_handler);
  library.find("TIFFClientOpen", tiff.open);
  library.find("TIFFClose", tiff.close);
  library.find("TIFFGetField", tiff.get);
  library.find("TIFFGetFieldDefaulted", tiff.get_or_default);
  library.find("TIFFSetField", tiff.set);
  library.find("TIFFIsTiled", tiff.is_tiled);
  library.find("TIFFStripSize", tiff.strip_size);
  library.find("TIFFTileSize", tiff.tile_size);
  library.find("TIFFComputeStrip", tiff.strip_at);
  library.find("TIFFComputeTile", tiff.tile_at);
  library.find("TIFFReadEncodedStrip", tiff.read_strip);
  library.find("TIFFReadEncodedTile", tiff.read_tile);
  library.find("TIFFRGBAImageOK", tiff.can_read_rgba);
  library.find("TIFFReadRGBAImageOriented", tiff.read_rgba);
  tiff.is_there = library.is_whole();
  if (tiff.is_there) {  // else it prints
    tiff.set_error_handler(keep_first);
    tiff.set_warning_handler(nullptr);
  }
  return tiff;
}

}  // namespace

const LibTiff& libtiff() {
  static const LibTiff kLibrary = load();
  return kLibrary;
}

// The bytes, and where in them libtiff reads next.
struct TiffFile::Place {
  std::span<const std::byte> bytes;
  uint64_t at = 0;

  static int64_t read(void* client, void* to, int64_t size) {
    auto& place = *static_cast<Place*>(client);
    const uint64_t left = place.bytes.size() - std::min<uint64_t>(place.at, place.bytes.size());
    const uint64_t count = std::min<uint64_t>(left, std::max<int64_t>(size, 0));
    if (count > 0) std::memcpy(to, place.bytes.data() + place.at, count);
    place.at += count;
    return static_cast<int64_t>(count);
  }
  static uint64_t seek(void* client, uint64_t offset, int whence) {
    auto& place = *static_cast<Place*>(client);
    const uint64_t from = whence == SEEK_CUR ? place.at : whence == SEEK_END ? size(client) : 0;
    return place.at = from + offset;
  }
  static uint64_t size(void* client) { return static_cast<Place*>(client)->bytes.size(); }
};

TiffFile::TiffFile(std::span<const std::byte> bytes) : place_(std::make_shared<Place>()) {
  t_message[0] = '\0';
  place_->bytes = bytes;
  const auto nothing_written = [](void*, void*, int64_t) -> int64_t { return 0; };
  const auto nothing_closed = [](void*) { return 0; };
  const auto no_map = [](void*, void**, uint64_t*) { return 0; };
  const auto no_unmap = [](void*, void*, uint64_t) {};
  tiff_.reset(libtiff().open("", "rm", place_.get(), Place::read, nothing_written, Place::seek,
                             nothing_closed, Place::size, no_map, no_unmap));
}

std::string TiffFile::message() {
  return t_message[0] == '\0' ? "no reason given" : t_message.data();
}

}  // namespace fovea
