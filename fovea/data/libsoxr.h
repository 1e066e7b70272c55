// What is used of soxr, where it is installed. It is declared here as its header does, which is not
// needed to build.
#pragma once

#include <cstddef>

namespace fovea {

// As in soxr.h.
struct SoxrQuality {
  double precision, phase_response, passband_end, stopband_begin;
  void* internal;
  unsigned long flags;
};
inline constexpr unsigned long kSoxrVeryHigh = 6;  // SOXR_VHQ

// Its functions, which return what went wrong or nullptr. is_there: it was found.
struct LibSoxr {
  void* (*create)(double from, double to, unsigned channels, const char** error,
                  const void* formats, const SoxrQuality* quality, const void* runtime) = nullptr;
  void (*destroy)(void* resampler) = nullptr;
  SoxrQuality (*quality)(unsigned long recipe, unsigned long flags) = nullptr;
  // Floats; no input (nullptr) means that it has ended.
  const char* (*process)(void* resampler, const void* in, size_t count, size_t* used, void* out,
                         size_t room, size_t* made) = nullptr;
  bool is_there = false;
};

const LibSoxr& libsoxr();

}  // namespace fovea
