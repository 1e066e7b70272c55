// Shuffled, augmented batches for training, made by threads ahead of it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "fovea/data/mix.h"
#include "fovea/data/samples.h"
#include "fovea/data/spec_augment.h"
#include "fovea/io/array.h"

namespace fovea {

struct Batch {
  Array images;                                // [B, 3, H, W] or what samples are, normalised
  Array targets;                               // [B, classes]: shares, that sum to 1
  std::vector<int> labels;                     // of each image, before mixing
  std::vector<std::vector<SquareMask>> masks;  // of each image, of segmented pictures
};

struct BatchOptions : PictureSampling {
  SoundAugmentation sound = {};
  Mix mix;
  double smoothing = 0;
  int64_t batch = 128;  // of all shards together
  int threads = 1;
  uint64_t seed = 0;
  // Of each batch this process takes the samples shard, shard + shards, ...
  int shard = 0;
  int shards = 1;
};

// Meant for one thread that calls start() and next().
//
// What is drawn for a sample depends on seed, epoch and sample alone, not on threads or shards, and
// the order on seed and epoch: shards get the images that one process would get. A shard mixes its
// part of a batch by itself, as drawn from seed, epoch, batch and shard: with mixing, the number of
// shards is part of the recipe.
class TrainingBatches {
 public:
  // Where samples have no classes targets and labels stay empty, and nothing is mixed. Throws Error
  // where there is less than one batch, or a batch is no multiple of the shards.
  TrainingBatches(std::unique_ptr<Samples> samples, const BatchOptions& options);
  // Of pictures, also with masks; `data` must live as long.
  template <class Data>
  TrainingBatches(const Data& data, const BatchOptions& options)
      : TrainingBatches(picture_samples(data, options), options) {}
  // Waits for the pictures that are being made.
  ~TrainingBatches();
  TrainingBatches(const TrainingBatches&) = delete;
  TrainingBatches& operator=(const TrainingBatches&) = delete;

  // The last, incomplete one is dropped.
  int64_t batches_per_epoch() const;
  // Begins with batch `first` of an epoch, wherever it was before.
  void start(int64_t epoch, int64_t first);
  // False at the end of the epoch. The memory of `batch` is used again. Throws what a thread threw:
  // Error with the name of a picture that can't be read.
  bool next(Batch& batch);

 private:
  // A batch on its way: the workers' until nothing is missing, next()'s from then on.
  struct Slot {
    Batch batch;
    int64_t missing = 0;       // samples; guarded by lock_
    std::exception_ptr error;  // the first; guarded by lock_
  };

  int64_t per_batch() const { return options_.batch / options_.shards; }
  Slot& slot(int64_t batch) { return slots_[batch % static_cast<int64_t>(slots_.size())]; }
  void prepare(Slot& slot) const;
  bool may_begin() const;
  void work();
  void make(int64_t sample);
  void mix(int64_t batch, Batch& of) const;

  const std::unique_ptr<Samples> samples_;
  const BatchOptions options_;
  std::vector<Slot> slots_;

  std::mutex lock_;
  std::condition_variable changed_;
  int64_t epoch_ = 0;
  std::vector<int32_t> order_;  // of the epoch's samples
  int64_t begun_ = 0;           // samples of this shard that a thread has taken
  int64_t end_ = 0;             // samples of this shard in the epoch
  int64_t delivered_ = 0;       // batches that next() has given out
  int working_ = 0;             // threads that make a sample
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fovea
