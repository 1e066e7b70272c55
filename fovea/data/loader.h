// Decodes pictures ahead of the arithmetic.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fovea/io/array.h"
#include "fovea/model/config.h"

namespace fovea {

// Up to `batch` pictures in the order of their paths.
struct PictureBatch {
  struct Failure {
    size_t index;  // into the loader's paths
    std::string message;
  };
  Array images;                   // [B, 3, height, width], normalised; B counts the readable ones
  std::vector<size_t> indices;    // of the images, into the loader's paths
  std::vector<Failure> failures;  // of those that could not be read
};

class PictureLoader {
 public:
  // Decodes on `threads` threads of its own, at most two batches ahead.
  PictureLoader(std::vector<std::filesystem::path> paths, const Preprocessing& spec, int batch,
                int threads);
  ~PictureLoader();
  PictureLoader(const PictureLoader&) = delete;
  PictureLoader& operator=(const PictureLoader&) = delete;

  // The next batch; nothing after the last one.
  std::optional<PictureBatch> next();

 private:
  struct Picture {
    std::vector<float> values;
    std::string failure;  // empty where the picture could be read
  };
  void work();
  Picture load(size_t index) const;

  const std::vector<std::filesystem::path> paths_;
  const Preprocessing spec_;
  const size_t batch_;

  std::mutex lock_;
  std::condition_variable changed_;
  size_t begun_ = 0;      // pictures that a thread has taken
  size_t delivered_ = 0;  // pictures that next() has given out
  std::map<size_t, Picture> ready_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fovea
