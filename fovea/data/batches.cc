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
constexpr int64_t kMostKept = int64_t{1} << 30;      // bytes of decoded pictures
constexpr uint64_t kSampleDraws = 1, kMixDraws = 2;  // streams that have nothing in common

}  // namespace

TrainingBatches::TrainingBatches(const Dataset& data, const BatchOptions& options)
    : TrainingBatches(data, &data, nullptr, options) {}

TrainingBatches::TrainingBatches(const SegmentedPictures& data, const BatchOptions& options)
    : TrainingBatches(data, nullptr, &data, options) {}

TrainingBatches::TrainingBatches(const PictureSource& pictures, const Dataset* labelled,
                                 const SegmentedPictures* segmented, const BatchOptions& options)
    : pictures_(pictures),
      labelled_(labelled),
      segmented_(segmented),
      options_(options),
      slots_(kAhead) {
  if (options.batch < 1 || options.batch % options.shards != 0) {
    fail("a batch of {} can't be shared out evenly to {} processes", options.batch, options.shards);
  }
  if (pictures.size() < options.batch) {
    fail("{} pictures; expected at least as many as a batch has, {}", pictures.size(),
         options.batch);
  }
  if (options.keep_decoded) kept_.resize(pictures.size());
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

int64_t TrainingBatches::batches_per_epoch() const { return pictures_.size() / options_.batch; }

void TrainingBatches::start(int64_t epoch, int64_t first) {
  std::unique_lock lock(lock_);
  end_ = 0;
  changed_.wait(lock, [&] { return working_ == 0; });
  epoch_ = epoch;
  order_ = random_order(static_cast<int32_t>(pictures_.size()),
                        {.seed = options_.seed, .layer = static_cast<int>(epoch)});
  delivered_ = std::min(first, batches_per_epoch());
  begun_ = delivered_ * per_batch();
  for (Slot& slot : slots_) prepare(slot);
  end_ = batches_per_epoch() * per_batch();
  changed_.notify_all();
}

// For a batch that is still to be made.
void TrainingBatches::prepare(Slot& slot) const {
  const Shape shape = {per_batch(), 3, options_.preprocessing.height, options_.preprocessing.width};
  if (slot.batch.images.shape != shape) slot.batch.images = Array(shape);
  slot.batch.labels.resize(labelled_ != nullptr ? per_batch() : 0);
  slot.batch.masks.resize(segmented_ != nullptr ? per_batch() : 0);
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
  augment_sample(index, place, slot(n / per_batch()).batch);
}

void TrainingBatches::augment_sample(int64_t index, int64_t place, Batch& batch) {
  Random random(
      {kSampleDraws, options_.seed, static_cast<uint64_t>(epoch_), static_cast<uint64_t>(index)});
  const int64_t size = elements(batch.images.shape) / per_batch();
  const std::span<float> out = std::span(batch.images.data).subspan(place * size, size);
  Image fresh;
  const Image& image = decoded(index, fresh);
  if (segmented_ != nullptr) {
    const std::vector<TrueMask> truths = segmented_->masks(index);
    check_masks(image, truths, pictures_.name(index));
    batch.masks[place] =
        segment_sample(image, truths, options_.preprocessing, options_.augmentation,
                       options_.segments, random, out, pictures_.name(index));
    return;
  }
  batch.labels[place] = labelled_->label(index);
  augment(image, options_.preprocessing, options_.augmentation, random, out, pictures_.name(index));
}

// A sample is made once in an epoch, and epochs are set apart by lock_: no two threads meet here.
const Image& TrainingBatches::decoded(int64_t index, Image& fresh) {
  if (!kept_.empty() && !kept_[index].rgb.empty()) return kept_[index];
  fresh = pictures_.read(index);
  const auto bytes = static_cast<int64_t>(fresh.rgb.size());
  if (kept_.empty() || kept_bytes_ + bytes > kMostKept) return fresh;
  kept_bytes_ += bytes;
  kept_[index] = std::move(fresh);
  return kept_[index];
}

void TrainingBatches::mix(int64_t number, Batch& batch) const {
  if (labelled_ == nullptr) return;
  batch.targets = smooth_targets(batch.labels, static_cast<int>(labelled_->classes().size()),
                                 options_.smoothing);
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
