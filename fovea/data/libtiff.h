// What is used of libtiff, where it is installed. It is declared here as its header does, which is
// not needed to build.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace fovea {

// Its functions; `tiff` is an open file. is_there: it was found.
struct LibTiff {
  using Transfer = int64_t (*)(void* client, void* to, int64_t size);
  using Seek = uint64_t (*)(void* client, uint64_t offset, int whence);
  using Close = int (*)(void* client);
  using Size = uint64_t (*)(void* client);
  using Map = int (*)(void* client, void** base, uint64_t* size);
  using Unmap = void (*)(void* client, void* base, uint64_t size);
  using Message = void (*)(const char* module, const char* format, va_list values);

  Message (*set_error_handler)(Message) = nullptr;
  Message (*set_warning_handler)(Message) = nullptr;
  void* (*open)(const char* name, const char* mode, void* client, Transfer read, Transfer write,
                Seek seek, Close close, Size size, Map map, Unmap unmap) = nullptr;
  void (*close)(void* tiff) = nullptr;
  // The value is written to what is given behind the tag; 0 where there is none.
  int (*get)(void* tiff, uint32_t tag, ...) = nullptr;
  int (*get_or_default)(void* tiff, uint32_t tag, ...) = nullptr;
  int (*set)(void* tiff, uint32_t tag, ...) = nullptr;
  int (*is_tiled)(void* tiff) = nullptr;
  int64_t (*strip_size)(void* tiff) = nullptr;  // bytes
  int64_t (*tile_size)(void* tiff) = nullptr;
  uint32_t (*strip_at)(void* tiff, uint32_t row, uint16_t sample) = nullptr;
  uint32_t (*tile_at)(void* tiff, uint32_t x, uint32_t y, uint32_t z, uint16_t sample) = nullptr;
  int64_t (*read_strip)(void* tiff, uint32_t strip, void* to, int64_t size) = nullptr;  // -1: not
  int64_t (*read_tile)(void* tiff, uint32_t tile, void* to, int64_t size) = nullptr;
  int (*can_read_rgba)(void* tiff, char* why_not) = nullptr;  // 1024 bytes
  int (*read_rgba)(void* tiff, uint32_t width, uint32_t height, uint32_t* to, int orientation,
                   int stops_at_errors) = nullptr;
  bool is_there = false;
};

const LibTiff& libtiff();

// A file in memory, open at its first picture.
class TiffFile {
 public:
  // Of which nothing can be read where libtiff does not take it.
  explicit TiffFile(std::span<const std::byte> bytes);

  bool is_open() const { return tiff_ != nullptr; }
  void* get() const { return tiff_.get(); }
  // What libtiff said first was wrong since it was opened, on this thread.
  static std::string message();

 private:
  struct Place;
  struct Close {
    void operator()(void* tiff) const { libtiff().close(tiff); }
  };
  std::shared_ptr<Place> place_;
  std::unique_ptr<void, Close> tiff_;
};

}  // namespace fovea
