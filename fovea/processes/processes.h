// The processes that mpirun started to work together, and what they tell each other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fovea/io/error.h"

namespace fovea {

// An error that all processes throw alike: one of them is enough to report it.
class CommonError : public Error {
 public:
  using Error::Error;
};

// What says "all" is called by all processes, in the same order, from one thread. Builds without
// MPI have one process only, whoever started it.
class Processes {
 public:
  // Alone, without a word to MPI, where mpirun has not started this process. At most one in the
  // life of a program. Throws Error where mpirun is that of another MPI, or MPI can't do with
  // threads.
  Processes();
  ~Processes();
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;
  // This process for itself, whoever started it.
  static const Processes& alone();

  int rank() const { return rank_; }  // 0 to size - 1
  int size() const { return size_; }
  bool is_first() const { return rank_ == 0; }
  // Processors for each process, where those of a machine share out what they may use; at least 1.
  int processors() const { return processors_; }
  // The share of `count` things that is this process's: from the first number up to the second.
  std::pair<int64_t, int64_t> share_of(int64_t count) const {
    return {count * rank_ / size_, count * (rank_ + 1) / size_};
  }

  // All: sums over the processes, in place; the same bits on each.
  void sum(std::span<double> values) const;
  // All: the same for counts below 2^53.
  void sum(std::initializer_list<int64_t*> counts) const;
  // The same for one more thread, beside all else. False, with the values lost, where `gives_up`
  // was set meanwhile.
  bool sum_gradients(std::span<float> values, const std::atomic<bool>& gives_up) const;
  // All: what process `from` has.
  void broadcast(std::span<std::byte> bytes, int from) const;
  // All: what each has, one after the other.
  template <class Number>
  std::vector<Number> join(const std::vector<Number>& own) const;

  // Called with a piece of at least a byte and less than 2 GB.
  using Give = std::function<void(std::span<const std::byte>)>;
  // All: brings pieces to the first process. On each of the others `give_all` hands over its own;
  // the first one takes them, those of process 1 first.
  void collect(const std::function<void(const Give&)>& give_all, const Give& take) const;

  // All: waits until all are here.
  void wait_for_all() const;
  // All: runs a part that may throw. Where it does on one process, all throw CommonError, with the
  // number of that process unless it did on all.
  void together(const std::function<void()>& part) const;
  // Ends the processes, all of them, at once.
  [[noreturn]] void abort(int status) const;

 private:
  struct Channels;
  explicit Processes(int processors);  // alone

  std::unique_ptr<Channels> channels_;  // null: alone
  int rank_ = 0;
  int size_ = 1;
  int processors_ = 1;
};

template <class Number>
std::vector<Number> Processes::join(const std::vector<Number>& own) const {
  if (size_ == 1) return own;
  std::vector<Number> all;
  for (int from = 0; from < size_; ++from) {
    uint64_t count = own.size();
    broadcast(std::as_writable_bytes(std::span(&count, 1)), from);
    std::vector<Number> part = from == rank_ ? own : std::vector<Number>(count);
    broadcast(std::as_writable_bytes(std::span(part)), from);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace fovea
