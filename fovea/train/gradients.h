// Gradients of a batch that several processes share, summed while they are being computed.
#pragma once

#include <torch/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "fovea/processes/processes.h"

namespace fovea {

// As PyTorch's DistributedDataParallel (Li and others, 2020, section 3.2): parameters go into
// buckets, the last first, as backward passes come to them; once all gradients of a bucket are
// there, a thread of its own sums it over the processes while the pass goes on. The buckets' order
// is fixed, so that all processes sum the same one.
class Gradients {
 public:
  // Of parameters in single precision, the same on all processes, whose gradients are forgotten
  // after every step. For one process it does nothing.
  Gradients(const std::vector<torch::Tensor>& parameters, const Processes& processes,
            int64_t bucket_bytes = int64_t{4} << 20);
  // Gives up sums that still go on.
  ~Gradients();
  Gradients(const Gradients&) = delete;
  Gradients& operator=(const Gradients&) = delete;

  // After a backward pass: waits for the sums, and makes the mean over the processes each
  // parameter's gradient. Where only some processes have one, zeros count for the others.
  void finish();

 private:
  class Hook;
  struct Bucket {
    torch::Tensor sums;  // in host memory: the members' gradients, then for each how many had one
    int64_t values = 0;  // in sums, without the members' counts
    int64_t members = 0;
    int64_t missing = 0;  // members whose gradient is not there yet; guarded by lock_
  };
  struct Member {
    torch::Tensor parameter;
    size_t bucket = 0;
    int64_t offset = 0;  // in the bucket's sums
    int64_t count = 0;   // likewise, of how many had one
    bool is_taken = false;
  };

  void add(const torch::Tensor& parameter, int64_t bucket_bytes);
  void take(Member& member, const torch::Tensor& gradient);
  void give(Member& member);
  torch::Tensor sums_of(const Member& member) const;
  void work();

  const Processes& processes_;
  std::vector<Member> members_;  // in the order of their buckets
  std::vector<Bucket> buckets_;

  std::mutex lock_;
  std::condition_variable changed_;
  size_t summed_ = 0;  // buckets of this step; guarded by lock_
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace fovea
