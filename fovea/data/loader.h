// Reads what files give a model ahead of the arithmetic.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fovea/data/model_input.h"
#include "fovea/data/source.h"
#include "fovea/io/array.h"

namespace fovea {

// Inputs in the order of their files, and of each file's inputs.
struct InputBatch {
  struct Part {
    size_t file;  // into the source
    int number;   // of the input, from 0, among the file's
    bool is_last;
    double start, end;  // of sound, seconds
  };
  struct Failure {
    size_t file;
    std::string message;
    std::string missing_library;  // the reason, where it's that
  };
  Array inputs;                   // [B, ...]
  std::vector<Part> parts;        // of each input
  std::vector<Failure> failures;  // of files that could not be read, or not to their end, ascending

  // How many files have their last input here.
  size_t files() const;
};

// Meant for one thread that calls next(); its own threads stay at most two batches ahead of it,
// and, of a file with many inputs, a third.
class InputLoader {
 public:
  // Of the source's files [range.first, range.second). Reads on `threads` threads, or as many of
  // them as the system grants. Throws std::system_error where it grants none.
  InputLoader(std::shared_ptr<const MediaSource> source, const InputSpec& spec,
              std::pair<int64_t, int64_t> range, int batch, int threads);
  // Waits only for the inputs that are being read.
  ~InputLoader();
  InputLoader(const InputLoader&) = delete;
  InputLoader& operator=(const InputLoader&) = delete;

  // The next batch: so many inputs and failures together, or what is left; nothing after the last
  // one. Whatever keeps a file from being read is its failure and no exception. Where there is no
  // memory for the batch itself, std::bad_alloc is thrown and the same batch comes with the next
  // call.
  std::optional<InputBatch> next();

 private:
  struct Input {
    FileInput read;
    bool is_last;
  };
  // A file on its way, from the moment that a thread has taken it to the batch with its last input.
  struct Slot {
    std::list<Input> inputs;   // not yet taken; guarded by lock_
    std::exception_ptr error;  // why there are no more; the thread's until `done`
    bool done = false;         // guarded by lock_
  };
  struct Taken {
    InputBatch::Part part;
    std::vector<float> values;
  };
  struct Failed {
    size_t file;
    std::exception_ptr error;
  };
  Slot& slot(size_t file) { return slots_[file % slots_.size()]; }
  void work();
  void load(size_t file) noexcept;
  bool give(size_t file, Input input);
  bool may_give(size_t file);
  void take_one();
  InputBatch gather() const;

  const std::shared_ptr<const MediaSource> source_;
  const InputSpec spec_;
  const size_t end_;  // of the files
  const size_t batch_;
  std::vector<Slot> slots_;

  // The batch that is being put together.
  std::vector<Taken> taken_;
  std::vector<Failed> failed_;
  int number_ = 0;  // of the next input of file front_

  std::mutex lock_;
  std::condition_variable changed_;
  size_t begun_;      // the next file for a thread to take
  size_t front_;      // the file that comes next; only next() changes it
  size_t delivered_;  // those before it are in batches that were given out
  size_t held_ = 0;   // inputs that were read and are in no such batch
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fovea
