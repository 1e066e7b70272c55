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

// One line that names the picture, whatever went wrong with it.
std::string message_of(const std::exception_ptr& error, const std::filesystem::path& path) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& named) {
    return named.what();
  } catch (const std::bad_alloc&) {
    return fmt::format("{}: not enough memory", path.string());
  } catch (const std::exception& other) {
    return fmt::format("{}: {}", path.string(), other.what());
  } catch (...) {
    return fmt::format("{}: can't be read", path.string());
  }
}

}  // namespace

PictureLoader::PictureLoader(std::vector<std::filesystem::path> paths, const Preprocessing& spec,
                             int batch, int threads)
    : paths_(std::move(paths)),
      spec_(spec),
      batch_(std::max(1, batch)),
      slots_(std::min(2 * batch_, paths_.size())) {
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
    changed_.wait(lock, [&] {
      return stop_ || begun_ == paths_.size() || begun_ < delivered_ + slots_.size();
    });
    if (stop_ || begun_ == paths_.size()) return;
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
    preprocess(read_image(paths_[index]), spec_, to.values, paths_[index].string());
  } catch (...) {
    to.error = std::current_exception();  // made into words by next(), where words may fail
  }
}

std::optional<PictureBatch> PictureLoader::next() {
  const size_t end = std::min(delivered_ + batch_, paths_.size());
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
      batch.failures.push_back({index, message_of(error, paths_[index])});
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
