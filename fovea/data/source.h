// Pictures, videos and sound by number, wherever they lie.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fovea/data/frames.h"
#include "fovea/data/image.h"
#include "fovea/data/sound.h"

namespace fovea {

class PictureSource {
 public:
  virtual ~PictureSource() = default;
  virtual int64_t size() const = 0;
  // For messages.
  virtual std::string name(int64_t i) const = 0;
  // Decodes a picture; several threads may do so at once. Throws Error with its name.
  virtual Image read(int64_t i) const = 0;
};

// Files that may hold videos or sound instead. Several threads may open some at once.
class MediaSource : public PictureSource {
 public:
  // Throw Error with the file's name, as open_clip and fovea::open_sound do.
  virtual std::unique_ptr<FrameSource> open_video(int64_t i) const = 0;
  virtual std::unique_ptr<SoundReader> open_sound(int64_t i) const = 0;
};

// Files of a file system; videos may be folders of pictures.
class MediaFiles : public MediaSource {
 public:
  explicit MediaFiles(std::vector<std::filesystem::path> paths, ReadOptions options = {})
      : paths_(std::move(paths)), options_(std::move(options)) {}

  int64_t size() const override { return static_cast<int64_t>(paths_.size()); }
  std::string name(int64_t i) const override { return paths_[i].string(); }
  Image read(int64_t i) const override { return read_image(paths_[i], options_); }
  std::unique_ptr<FrameSource> open_video(int64_t i) const override {
    return open_clip(paths_[i], options_);
  }
  std::unique_ptr<SoundReader> open_sound(int64_t i) const override {
    return fovea::open_sound(paths_[i]);
  }

 private:
  std::vector<std::filesystem::path> paths_;
  ReadOptions options_;
};

}  // namespace fovea
