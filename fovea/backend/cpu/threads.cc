#include "fovea/backend/cpu/threads.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace fovea {
namespace {

// How often a thread looks before it goes to sleep: the gaps between two operations are shorter
// than a wake-up.
constexpr int kLooks = 4000;

constexpr uint32_t kOpen = 1U << 31;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

Threads::Threads(int count) {
  workers_.reserve(static_cast<size_t>(std::max(count, 1) - 1));
  try {
    for (int worker = 1; worker < count; ++worker) {
      workers_.emplace_back([this, worker] { serve(worker); });
    }
  } catch (const std::exception&) {
    // No room for more threads: a limit on processes, or memory.
  }
}

Threads::~Threads() {
  stop_ = true;
  ++round_;
  round_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Threads::run(int64_t tasks, const std::function<void(int64_t, int)>& work) {
  if (workers_.empty() || tasks <= 1 || busy_.test_and_set(std::memory_order_acquire)) {
    for (int64_t task = 0; task < tasks; ++task) work(task, 0);
    return;
  }
  work_ = &work;
  tasks_ = tasks;
  next_ = 0;
  inside_.store(kOpen, std::memory_order_release);
  ++round_;
  round_.notify_all();
  take_tasks(0);
  close_and_wait();
  const std::exception_ptr failure = std::exchange(failure_, nullptr);
  busy_.clear(std::memory_order_release);
  if (failure) std::rethrow_exception(failure);
}

void Threads::serve(int worker) {
  uint32_t seen = 0;
  while (true) {
    for (int look = 0; look < kLooks && round_.load(std::memory_order_acquire) == seen; ++look)
      pause();
    round_.wait(seen);
    seen = round_;
    if (stop_) return;
    if (!enter()) continue;
    take_tasks(worker);
    leave();
  }
}

// False where the loop has ended before this worker came.
bool Threads::enter() {
  uint32_t inside = inside_.load(std::memory_order_acquire);
  while ((inside & kOpen) != 0) {
    if (inside_.compare_exchange_weak(inside, inside + 1, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void Threads::leave() {
  if (inside_.fetch_sub(1, std::memory_order_acq_rel) == 1) inside_.notify_one();
}

// No task is left to hand out: who has not entered need not, and who has will leave.
void Threads::close_and_wait() {
  uint32_t inside = inside_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  for (int look = 0; inside != 0; ++look) {
    if (look < kLooks) {
      pause();
    } else {
      inside_.wait(inside);
    }
    inside = inside_.load(std::memory_order_acquire);
  }
}

void Threads::take_tasks(int worker) {
  for (int64_t task = next_++; task < tasks_; task = next_++) {
    try {
      (*work_)(task, worker);
    } catch (...) {
      const std::lock_guard lock(failure_lock_);
      if (!failure_) failure_ = std::current_exception();
    }
  }
}

}  // namespace fovea
