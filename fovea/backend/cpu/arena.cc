#include "fovea/backend/cpu/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

namespace fovea {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

std::shared_ptr<float[]> allocate_floats(int64_t count) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 8;
  if (count < 0 || count > kMost) throw std::bad_alloc();
  size_t bytes = std::max<size_t>(static_cast<size_t>(count) * sizeof(float), 64);
  const size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  bytes = (bytes + 63) / 64 * 64;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, bytes) != 0) throw std::bad_alloc();
  if (bytes >= kHugePage)
    madvise(memory, bytes, MADV_HUGEPAGE);  // a hint: failing costs only speed
  return {static_cast<float*>(memory), [](float* p) { std::free(p); }};
}

std::shared_ptr<float[]> Arena::take(int64_t count) {
  free_.reserve(free_.size() + lent_ + 1);  // giving back must not fail
  const auto fits = std::lower_bound(free_.begin(), free_.end(), count,
                                     [](const Buffer& b, int64_t n) { return b.capacity < n; });
  Buffer buffer;
  if (fits != free_.end()) {
    buffer = std::move(*fits);
    free_.erase(fits);
  } else {
    // Tokens only get fewer on the way through a model: drop what is too small rather than keep
    // both.
    if (!free_.empty()) free_.pop_back();
    buffer = {count, allocate_floats(count)};
  }
  float* memory = buffer.memory.get();
  ++lent_;
  return {memory,
          [this, buffer = std::move(buffer)](float*) mutable { give_back(std::move(buffer)); }};
}

void Arena::give_back(Buffer buffer) noexcept {
  --lent_;
  const auto place = std::upper_bound(free_.begin(), free_.end(), buffer.capacity,
                                      [](int64_t n, const Buffer& b) { return n < b.capacity; });
  free_.insert(place, std::move(buffer));
}

}  // namespace fovea
