// The processes that mpirun started to train one model together, and what they tell each other,
// over MPI.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "fovea/io/error.h"

namespace fovea {

// An error that all processes throw alike: one of them is enough to report it.
class CommonError : public Error {
 public:
  using Error::Error;
};

// What says "all" is called by all processes, in the same order, from one thread.
class Processes {
 public:
  // Alone, without a word to MPI, where mpirun has not started this process. At most one in the
  // life of a program. Throws Error where mpirun is that of another MPI, or MPI can't do with
  // threads.
  Processes();
  ~Processes();
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  int rank() const { return rank_; }  // 0 to size - 1
  int size() const { return size_; }
  bool is_first() const { return rank_ == 0; }
  // Processors for each process, where those of a machine share out what they may use; at least 1.
  int processors() const { return processors_; }

  // All: sums over the processes, in place; the same bits on each.
  void sum(std::span<double> values) const;
  // The same for one more thread, beside all else. False, with the values lost, where `gives_up`
  // was set meanwhile.
  bool sum_gradients(std::span<float> values, const std::atomic<bool>& gives_up) const;
  // All: what process `from` has.
  void broadcast(std::span<std::byte> bytes, int from) const;
  // All: waits until all are here.
  void wait_for_all() const;
  // All: runs a part that may throw. Where it does on one process, all throw CommonError, with the
  // number of that process unless it did on all.
  void together(const std::function<void()>& part) const;
  // Ends the processes, all of them, at once.
  [[noreturn]] void abort(int status) const;

 private:
  struct Channels;
  std::unique_ptr<Channels> channels_;  // null: alone
  int rank_ = 0;
  int size_ = 1;
  int processors_ = 1;
};

}  // namespace fovea
