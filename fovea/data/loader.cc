// Threads that fill a ring of files with their inputs, and the hand that empties it in order.
#include "fovea/data/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "fovea/data/image.h"
#include "fovea/io/error.h"

namespace fovea {
namespace {

// Says in one line that names the file what went wrong with it, whatever it was.
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

size_t InputBatch::files() const {
  return static_cast<size_t>(
      std::count_if(parts.begin(), parts.end(), [](const Part& part) { return part.is_last; }));
}

InputLoader::InputLoader(std::shared_ptr<const MediaSource> source, const InputSpec& spec,
                         std::pair<int64_t, int64_t> range, int batch, int threads)
    : source_(std::move(source)),
      spec_(spec),
      end_(static_cast<size_t>(range.second)),
      batch_(static_cast<size_t>(std::max(1, batch))),
      begun_(static_cast<size_t>(range.first)),
      front_(begun_),
      delivered_(begun_) {
  slots_.resize(std::min(2 * batch_, end_ - begun_));
  const size_t count = std::min<size_t>(std::max(1, threads), slots_.size());
  threads_.reserve(count);
  try {
    while (threads_.size() < count) threads_.emplace_back([this] { work(); });
  } catch (...) {
    if (threads_.empty()) throw;  // else those that there are do all the work
  }
}

InputLoader::~InputLoader() {
  {
    const std::lock_guard lock(lock_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void InputLoader::work() {
  std::unique_lock lock(lock_);
  while (true) {
    changed_.wait(lock,
                  [&] { return stop_ || begun_ == end_ || begun_ < delivered_ + slots_.size(); });
    if (stop_ || begun_ == end_) return;
    const size_t file = begun_++;
    lock.unlock();
    load(file);
    lock.lock();
    slot(file).done = true;
    changed_.notify_all();
  }
}

void InputLoader::load(size_t file) noexcept {
  try {
    // One is kept back, until it shows whether it is the last.
    std::optional<FileInput> last;
    read_inputs(*source_, static_cast<int64_t>(file), spec_, [&](FileInput input) {
      if (last && !give(file, {std::move(*last), false})) return false;
      last = std::move(input);
      return true;
    });
    if (last) give(file, {std::move(*last), true});
  } catch (...) {
    slot(file).error = std::current_exception();  // made into words by next(), where words may fail
  }
}

// Waits for room. False where no more is wanted.
bool InputLoader::give(size_t file, Input input) {
  std::unique_lock lock(lock_);
  changed_.wait(lock, [&] { return stop_ || may_give(file); });
  if (stop_) return false;
  slot(file).inputs.push_back(std::move(input));
  ++held_;
  changed_.notify_all();
  return true;
}

// The file that comes next goes on though later ones have taken all the room.
bool InputLoader::may_give(size_t file) {
  return held_ < 2 * batch_ || (file == front_ && slot(file).inputs.size() < batch_);
}

// Takes an input, or a failure, from the file that comes next.
void InputLoader::take_one() {
  std::unique_lock lock(lock_);
  Slot& from = slot(front_);
  changed_.wait(lock, [&] { return from.done || !from.inputs.empty(); });
  bool is_last = true;
  if (from.inputs.empty()) {
    if (from.error != nullptr) failed_.push_back({front_, from.error});
  } else {
    Input& input = from.inputs.front();
    is_last = input.is_last;
    taken_.push_back({{front_, number_++, is_last, input.read.start, input.read.end}, {}});
    taken_.back().values = std::move(input.read.values);
    from.inputs.pop_front();
  }
  if (is_last) {
    changed_.wait(lock, [&] { return from.done; });  // so that another file may take the place
    from = {};
    number_ = 0;
    ++front_;
  }
  changed_.notify_all();
}

std::optional<InputBatch> InputLoader::next() {
  while (front_ < end_ && taken_.size() + failed_.size() < batch_) take_one();
  if (taken_.empty() && failed_.empty()) return std::nullopt;
  InputBatch batch = gather();
  {
    const std::lock_guard lock(lock_);
    held_ -= taken_.size();
    delivered_ = front_;
  }
  taken_.clear();
  failed_.clear();
  changed_.notify_all();
  return batch;
}

InputBatch InputLoader::gather() const {
  InputBatch batch;
  for (const Failed& failed : failed_) {
    batch.failures.push_back(
        {failed.file, message_of(failed.error, source_->name(static_cast<int64_t>(failed.file))),
         missing_library(failed.error)});
  }
  Shape shape = spec_.shape();
  shape.insert(shape.begin(), static_cast<int64_t>(taken_.size()));
  batch.inputs = Array(shape);
  auto to = batch.inputs.data.begin();
  for (const Taken& taken : taken_) {
    batch.parts.push_back(taken.part);
    to = std::copy(taken.values.begin(), taken.values.end(), to);
  }
  return batch;
}

}  // namespace fovea
