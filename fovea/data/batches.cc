// Threads that fill a ring of batches sample by sample; whoever makes a batch's last one mixes it.
#include "fovea/data/batches.h"

#include <algorithm>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/io/random.h"
#include "fovea/tokens/random.h"

namespace fovea {
namespace {

constexpr size_t kAhead = 3;                         // batches
constexpr uint64_t kSampleDraws = 1, kMixDraws = 2;  // streams that have nothing in common

}  // namespace

TrainingBatches::TrainingBatches(std::unique_ptr<Samples> samples, const BatchOptions& options)
    : samples_(std::move(samples)), options_(options), slots_(kAhead) {
  if (options.batch < 1 || options.batch % options.shards != 0) {
    fail("a batch of {} can't be shared out evenly to {} processes", options.batch, options.shards);
  }
  if (samples_->size() < options.batch) {
    fail("{} {}; expected at least as many as a batch has, {}", samples_->size(), samples_->what(),
         options.batch);
  }
  const int count = std::max(1, options.threads);
  threads_.reserve(count);
  try {
    while (threads_.size() < static_cast<size_t>(count)) threads_.emplace_back([this] { work(); });
  } catch (...) {
    if (threads_.empty()) throw;  // else those that there are do all the work
  }
}

TrainingBatches::~TrainingBatches() {
  {
    const std::lock_guard lock(lock_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

int64_t TrainingBatches::batches_per_epoch() const { return samples_->size() / options_.batch; }

void TrainingBatches::start(int64_t epoch, int64_t first) {
  std::unique_lock lock(lock_);
  end_ = 0;
  changed_.wait(lock, [&] { return working_ == 0; });
  epoch_ = epoch;
  order_ = random_order(static_cast<int32_t>(samples_->size()),
                        {.seed = options_.seed, .layer = static_cast<int>(epoch)});
  delivered_ = std::min(first, batches_per_epoch());
  begun_ = delivered_ * per_batch();
  for (Slot& slot : slots_) prepare(slot);
  end_ = batches_per_epoch() * per_batch();
  changed_.notify_all();
}

// For a batch that is still to be made.
void TrainingBatches::prepare(Slot& slot) const {
  Shape shape = samples_->shape();
  shape.insert(shape.begin(), per_batch());
  if (slot.batch.images.shape != shape) slot.batch.images = Array(shape);
  slot.batch.labels.resize(samples_->classes() > 0 ? per_batch() : 0);
  slot.batch.masks.resize(per_batch());
  slot.missing = per_batch();
  slot.error = nullptr;
}

bool TrainingBatches::may_begin() const {
  const int64_t full = (delivered_ + static_cast<int64_t>(slots_.size())) * per_batch();
  return begun_ < std::min(end_, full);
}

void TrainingBatches::work() {
  std::unique_lock lock(lock_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || may_begin(); });
    if (stop_) return;
    const int64_t sample = begun_++;
    ++working_;
    Slot& to = slot(sample / per_batch());
    const auto unlocked = [&](const auto& part) {
      lock.unlock();
      std::exception_ptr error;
      try {
        part();
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (to.error == nullptr) to.error = error;
    };
    unlocked([&] { make(sample); });
    if (to.missing == 1) unlocked([&] { mix(sample / per_batch(), to.batch); });
    --to.missing;
    --working_;
    if (to.missing == 0 || working_ == 0) changed_.notify_all();
  }
}

// The n-th sample of this shard in the epoch.
void TrainingBatches::make(int64_t n) {
  const int64_t place = n % per_batch();
  const int64_t index =
      order_[n / per_batch() * options_.batch + place * options_.shards + options_.shard];
  Batch& batch = slot(n / per_batch()).batch;
  Random random(
      {kSampleDraws, options_.seed, static_cast<uint64_t>(epoch_), static_cast<uint64_t>(index)});
  const int64_t size = elements(batch.images.shape) / per_batch();
  const std::span<float> out = std::span(batch.images.data).subspan(place * size, size);
  if (samples_->classes() > 0) batch.labels[place] = samples_->label(index);
  // A sample is made once in an epoch, and epochs are set apart by lock_: no two threads meet here.
  samples_->make(index, random, out, batch.masks[place]);
}

void TrainingBatches::mix(int64_t number, Batch& batch) const {
  if (samples_->classes() == 0) return;
  batch.targets = smooth_targets(batch.labels, samples_->classes(), options_.smoothing);
  Random random({kMixDraws, options_.seed, static_cast<uint64_t>(epoch_),
                 static_cast<uint64_t>(number), static_cast<uint64_t>(options_.shard)});
  mix_batch(batch.images, batch.targets, options_.mix, random);
}

bool TrainingBatches::next(Batch& batch) {
  std::unique_lock lock(lock_);
  if (delivered_ * per_batch() >= end_) return false;
  Slot& from = slot(delivered_);
  changed_.wait(lock, [&] { return from.missing == 0; });
  if (from.error != nullptr) std::rethrow_exception(from.error);
  std::swap(batch, from.batch);
  prepare(from);
  ++delivered_;
  changed_.notify_all();
  return true;
}

}  // namespace fovea
