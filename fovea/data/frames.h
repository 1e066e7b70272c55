// Frames in the order of time: of a video file, or pictures of a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/data/image.h"
#include "fovea/io/byte_source.h"

namespace fovea {

// Called with the number of a place among those that were asked for, and what it shows.
using TakeFrame = std::function<void(size_t index, const Image& frame)>;

class FOVEA_API FrameSource {
 public:
  virtual ~FrameSource() = default;
  virtual const std::string& name() const = 0;
  // At least 1.
  virtual int64_t count() const = 0;
  // What is at some places, ascending, from 0 to count() - 1 and beyond: there the last frame
  // stays. Place g shows frame g; where frames follow each other at a variable rate, what is shown
  // (g + 1/2) times the mean time from frame to frame after the first one. Throws Error naming the
  // file where it is broken, ends before a place that it should have, or frames differ in size.
  virtual void read(std::span<const int64_t> places, const TakeFrame& take) = 0;
};

// MP4, WebM, QuickTime, GIF and what else FFmpeg reads; turned upright as the container says. Goes
// through the file once, without decoding. Of the options only max_pixels counts. Throws Error
// naming the file where it is no video, has none, is broken; and MissingLibrary.
FOVEA_API std::unique_ptr<FrameSource> open_video(const std::filesystem::path& path,
                                                  const ReadOptions& options = {});

// The same of what is not a file.
std::unique_ptr<FrameSource> open_video(const SharedBytes& bytes, const ReadOptions& options);

// A video file, or the pictures that lie in a folder. Throws Error as reading them does.
FOVEA_API std::unique_ptr<FrameSource> open_clip(const std::filesystem::path& path,
                                                 const ReadOptions& options = {});

// Pictures, in that order. `name`: of their folder, for messages.
FOVEA_API std::unique_ptr<FrameSource> open_frames(std::vector<std::filesystem::path> pictures,
                                                   const std::string& name,
                                                   const ReadOptions& options = {});

}  // namespace fovea
