// Pictures by number, wherever they lie.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "fovea/data/image.h"

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

// Picture files.
class PictureFiles : public PictureSource {
 public:
  explicit PictureFiles(std::vector<std::filesystem::path> paths, ReadOptions options = {})
      : paths_(std::move(paths)), options_(std::move(options)) {}

  int64_t size() const override { return static_cast<int64_t>(paths_.size()); }
  std::string name(int64_t i) const override { return paths_[i].string(); }
  Image read(int64_t i) const override { return read_image(paths_[i], options_); }

 private:
  std::vector<std::filesystem::path> paths_;
  ReadOptions options_;
};

}  // namespace fovea
