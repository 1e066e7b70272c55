// What is used of libsndfile, where it is installed. It is declared here as its header does, which
// is not needed to build.
#pragma once

#include <cstdint>

namespace fovea {

// As in sndfile.h.
struct SndfileInfo {
  int64_t frames = 0;  // samples of each channel
  int rate = 0;
  int channels = 0;
  int format = 0;
  int sections = 0;
  int seekable = 0;
};
struct SndfileInput {
  int64_t (*size)(void* client) = nullptr;
  int64_t (*seek)(int64_t offset, int whence, void* client) = nullptr;
  int64_t (*read)(void* to, int64_t count, void* client) = nullptr;
  int64_t (*write)(const void* from, int64_t count, void* client) = nullptr;
  int64_t (*tell)(void* client) = nullptr;
};
inline constexpr int kSndfileRead = 0x10;    // SFM_READ
inline constexpr int kSndfileSystem = 2;     // SF_ERR_SYSTEM
inline constexpr int kSndfileMalformed = 3;  // SF_ERR_MALFORMED_FILE

// Its functions; `file` is an open one, nullptr in error() and message() the last that could not be
// opened. is_there: it was found.
struct LibSndfile {
  void* (*open)(SndfileInput* input, int mode, SndfileInfo* info, void* client) = nullptr;
  int (*close)(void* file) = nullptr;
  int64_t (*read)(void* file, float* to, int64_t frames) = nullptr;
  int (*error)(void* file) = nullptr;  // 0: none
  const char* (*message)(void* file) = nullptr;
  bool is_there = false;
};

const LibSndfile& libsndfile();

}  // namespace fovea
