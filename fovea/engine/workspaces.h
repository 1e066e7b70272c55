// CPU backends with warm arenas, kept between runs.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {

// Safe to use from several threads at once.
class Workspaces {
 public:
  // Keeps at most `most_idle`, however many are lent at once.
  Workspaces(InstructionSet instructions, Dtype dtype, std::shared_ptr<Threads> threads,
             int most_idle);

  // Lends a backend for as long as the pointer lives, which must not outlive this.
  std::shared_ptr<Cpu> lend();

  // Lets go of all that is idle.
  void trim();

 private:
  // Null where none is idle.
  std::unique_ptr<Cpu> take_idle();
  void give_back(std::unique_ptr<Cpu> cpu);

  InstructionSet instructions_;
  Dtype dtype_;
  std::shared_ptr<Threads> threads_;
  size_t most_idle_;
  std::mutex lock_;
  std::vector<std::unique_ptr<Cpu>> idle_;
};

}  // namespace fovea
