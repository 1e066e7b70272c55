// Decodes pictures ahead of the arithmetic.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fovea/data/source.h"
#include "fovea/io/array.h"
#include "fovea/model/config.h"

namespace fovea {

// Up to `batch` pictures in the order of their source.
struct PictureBatch {
  struct Failure {
    size_t index;  // into the source
    std::string message;
    std::string missing_library;  // the reason, where it's that
  };
  Array images;                   // [B, 3, height, width], normalised; B counts the readable ones
  std::vector<size_t> indices;    // of the images, into the source, ascending
  std::vector<Failure> failures;  // of those that could not be read, ascending
};

// Meant for one thread that calls next(); its own threads stay at most two batches ahead of it.
class PictureLoader {
 public:
  // Decodes on `threads` threads, or as many of them as the system grants. Throws
  // std::system_error where it grants none.
  PictureLoader(std::shared_ptr<const PictureSource> source, const Preprocessing& spec, int batch,
                int threads);
  // Waits only for the pictures that are being decoded.
  ~PictureLoader();
  PictureLoader(const PictureLoader&) = delete;
  PictureLoader& operator=(const PictureLoader&) = delete;

  // The next batch; nothing after the last one. Whatever keeps a picture from being read is its
  // failure and no exception. Where there is no memory for the batch itself, std::bad_alloc is
  // thrown and the same batch comes with the next call.
  std::optional<PictureBatch> next();

 private:
  // A picture on its way: the worker's until `done`, next()'s from then on.
  struct Slot {
    std::vector<float> values;  // [3, height, width]
    std::exception_ptr error;   // why there are none
    bool done = false;          // guarded by lock_
  };
  Slot& slot(size_t index) { return slots_[index % slots_.size()]; }
  void work();
  void load(size_t index) noexcept;
  PictureBatch gather(size_t end);

  const std::shared_ptr<const PictureSource> source_;
  const size_t count_;  // pictures of the source
  const Preprocessing spec_;
  const size_t batch_;
  std::vector<Slot> slots_;

  std::mutex lock_;
  std::condition_variable changed_;
  size_t begun_ = 0;      // pictures that a thread has taken
  size_t delivered_ = 0;  // pictures that next() has given out; only next() changes it
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fovea
