// Frames of a video as pictures.
#pragma once

#include <memory>
#include <string>

#include "fovea/data/decoders.h"
#include "fovea/data/ffmpeg.h"

namespace fovea {

// The orientation, as EXIF counts them, of what a container's display matrix turns; 1 where it does
// not turn by quarters.
int orientation_of(const int32_t* matrix);

// Converts frames of any size and format, each at its own size, with its own matrix and range.
class RgbConverter {
 public:
  // Throws Error with `name` in it.
  Image convert(const AVFrame& frame, int orientation, const std::string& name, int64_t max_pixels);

 private:
  struct Free {
    void operator()(SwsContext* context) const { ffmpeg().sws_free_context(context); }
  };
  std::unique_ptr<SwsContext, Free> context_;
};

}  // namespace fovea
