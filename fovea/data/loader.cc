// Threads that fill a ring of two batches, and the hand that empties it in order.
#include "fovea/data/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "fovea/data/image.h"
#include "fovea/data/preprocess.h"
#include "fovea/io/error.h"

namespace fovea {
namespace {

// Says in one line that names the picture what went wrong with it, whatever it was.
std::string message_of(const std::exception_ptr& error, const std::string& name) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& named) {
    return named.what();
  } catch (const std::bad_alloc&) {
    return fmt::format("{}: not enough memory", name);
  } catch (const std::exception& other) {
    return fmt::format("{}: {}", name, other.what());
  } catch (...) {
    return fmt::format("{}: can't be read", name);
  }
}

// The reason where it is that a library is missing.
std::string missing_library(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const MissingLibrary& missing) {
    return missing.reason();
  } catch (...) {
    return "";
  }
}

}  // namespace

PictureLoader::PictureLoader(std::shared_ptr<const PictureSource> source, const Preprocessing& spec,
                             int batch, int threads)
    : source_(std::move(source)),
      count_(source_->size()),
      spec_(spec),
      batch_(std::max(1, batch)),
      slots_(std::min(2 * batch_, count_)) {
  const size_t count = std::min<size_t>(std::max(1, threads), slots_.size());
  threads_.reserve(count);
  try {
    while (threads_.size() < count) threads_.emplace_back([this] { work(); });
  } catch (...) {
    if (threads_.empty()) throw;  // else those that there are do all the work
  }
}

PictureLoader::~PictureLoader() {
  {
    const std::lock_guard lock(lock_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void PictureLoader::work() {
  std::unique_lock lock(lock_);
  while (true) {
    changed_.wait(lock,
                  [&] { return stop_ || begun_ == count_ || begun_ < delivered_ + slots_.size(); });
    if (stop_ || begun_ == count_) return;
    const size_t index = begun_++;
    lock.unlock();
    load(index);
    lock.lock();
    slot(index).done = true;
    changed_.notify_all();
  }
}

void PictureLoader::load(size_t index) noexcept {
  Slot& to = slot(index);
  try {
    to.values.resize(size_t{3} * spec_.height * spec_.width);
    preprocess(source_->read(static_cast<int64_t>(index)), spec_, to.values,
               source_->name(static_cast<int64_t>(index)));
  } catch (...) {
    to.error = std::current_exception();  // made into words by next(), where words may fail
  }
}

std::optional<PictureBatch> PictureLoader::next() {
  const size_t end = std::min(delivered_ + batch_, count_);
  if (delivered_ == end) return std::nullopt;
  {
    std::unique_lock lock(lock_);
    for (size_t index = delivered_; index < end; ++index) {
      changed_.wait(lock, [&] { return slot(index).done; });
    }
  }
  PictureBatch batch = gather(end);
  {
    const std::lock_guard lock(lock_);
    for (; delivered_ < end; ++delivered_) {
      slot(delivered_).error = nullptr;
      slot(delivered_).done = false;
    }
  }
  changed_.notify_all();
  return batch;
}

// Pictures [delivered_, end), which are all done.
PictureBatch PictureLoader::gather(size_t end) {
  PictureBatch batch;
  for (size_t index = delivered_; index < end; ++index) {
    const std::exception_ptr& error = slot(index).error;
    if (error == nullptr) {
      batch.indices.push_back(index);
    } else {
      batch.failures.push_back({index,
                                message_of(error, source_->name(static_cast<int64_t>(index))),
                                missing_library(error)});
    }
  }
  batch.images = Array({static_cast<int64_t>(batch.indices.size()), 3, spec_.height, spec_.width});
  auto to = batch.images.data.begin();
  for (const size_t index : batch.indices) {
    to = std::copy(slot(index).values.begin(), slot(index).values.end(), to);
  }
  return batch;
}

}  // namespace fovea
