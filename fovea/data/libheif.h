// What is used of libheif, where it is installed. It is declared here as its header does, which is
// not needed to build.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fovea {

// As in libheif/heif.h; the structs behind pointers are libheif's alone.
struct HeifError {
  int code;  // 0: none
  int subcode;
  const char* message;
};
// Its numbers of what is asked for.
inline constexpr int kRgb = 1;                // heif_colorspace_RGB
inline constexpr int kInterleavedRgb = 10;    // heif_chroma_interleaved_RGB
inline constexpr int kInterleavedRgba = 11;   // heif_chroma_interleaved_RGBA
inline constexpr int kInterleavedPlane = 10;  // heif_channel_interleaved
inline constexpr int kYcbcr = 0;              // heif_colorspace_YCbCr
inline constexpr int kHalved = 1;             // heif_chroma_420
inline constexpr int kLightPlane = 0;         // heif_channel_Y, and so on
inline constexpr int kBluePlane = 1;
inline constexpr int kRedPlane = 2;
inline constexpr int kAlphaPlane = 6;

// Its functions; a context is an open file, a handle a picture in it, an image its pixels.
// is_there: it was found.
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

const LibHeif& libheif();

}  // namespace fovea
