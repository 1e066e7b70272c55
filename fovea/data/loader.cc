#include "fovea/data/loader.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "fovea/data/image.h"
#include "fovea/data/preprocess.h"
#include "fovea/io/error.h"

namespace fovea {

PictureLoader::PictureLoader(std::vector<std::filesystem::path> paths, const Preprocessing& spec,
                             int batch, int threads)
    : paths_(std::move(paths)), spec_(spec), batch_(std::max(1, batch)) {
  for (int i = 0; i < std::max(1, threads); ++i) threads_.emplace_back([this] { work(); });
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
    changed_.wait(
        lock, [&] { return stop_ || begun_ == paths_.size() || begun_ < delivered_ + 2 * batch_; });
    if (stop_ || begun_ == paths_.size()) return;
    const size_t index = begun_++;
    lock.unlock();
    Picture picture = load(index);
    lock.lock();
    ready_.emplace(index, std::move(picture));
    changed_.notify_all();
  }
}

PictureLoader::Picture PictureLoader::load(size_t index) const {
  Picture picture;
  try {
    picture.values.resize(size_t{3} * spec_.height * spec_.width);
    preprocess(read_image(paths_[index]), spec_, picture.values, paths_[index].string());
  } catch (const Error& error) {
    picture = {{}, error.what()};
  } catch (const std::exception& error) {
    picture = {{}, paths_[index].string() + ": " + error.what()};
  }
  return picture;
}

std::optional<PictureBatch> PictureLoader::next() {
  std::unique_lock lock(lock_);
  if (delivered_ == paths_.size()) return std::nullopt;
  const size_t end = std::min(delivered_ + batch_, paths_.size());
  PictureBatch batch;
  for (size_t index = delivered_; index < end; ++index) {
    changed_.wait(lock, [&] { return ready_.contains(index); });
    const Picture picture = std::move(ready_.extract(index).mapped());
    if (!picture.failure.empty()) {
      batch.failures.push_back({index, picture.failure});
      continue;
    }
    batch.indices.push_back(index);
    batch.images.data.insert(batch.images.data.end(), picture.values.begin(), picture.values.end());
  }
  delivered_ = end;
  changed_.notify_all();
  batch.images.shape = {static_cast<int64_t>(batch.indices.size()), 3, spec_.height, spec_.width};
  return batch;
}

}  // namespace fovea
