// A pool of threads for parallel loops. Small on purpose: one loop at a time, the caller works too.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fovea {

class Threads {
 public:
  // `count` threads in all, the caller's among them; at least 1. Where the system gives fewer,
  // those that there are do all the work.
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls work(task, worker) for every task in [0, tasks), worker in [0, count()), and returns when
  // all are done. Tasks are handed out one by one, so uneven ones even out, and a thread that other
  // programs keep from running is not waited for. Where the pool is busy with another caller's
  // loop, the caller does it alone, as worker 0. The first exception of a task is thrown again
  // here.
  void run(int64_t tasks, const std::function<void(int64_t, int)>& work);

 private:
  void serve(int worker);
  bool enter();
  void leave();
  void close_and_wait();
  void take_tasks(int worker);

  std::vector<std::thread> workers_;
  std::atomic_flag busy_;  // a mutex must not be tried again by the thread that holds it
  const std::function<void(int64_t, int)>* work_ = nullptr;
  int64_t tasks_ = 0;
  std::atomic<int64_t> next_{0};
  std::atomic<uint32_t> round_{0};  // goes up with every loop; the workers wait for it
  // How many workers are in the loop, and kOpen while more may enter.
  std::atomic<uint32_t> inside_{0};
  std::atomic<bool> stop_{false};
  std::mutex failure_lock_;
  std::exception_ptr failure_;
};

}  // namespace fovea
