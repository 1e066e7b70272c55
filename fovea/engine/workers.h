// The threads of an engine and the backends that work on them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "fovea/engine/engine.h"
#include "fovea/engine/workspaces.h"

namespace fovea {

class Engine::Workers {
 public:
  explicit Workers(const EngineOptions& options);

  InstructionSet instructions() const { return instructions_; }
  Dtype dtype() const { return dtype_; }
  int threads() const { return threads_->count(); }

  // Lends a backend whose operations spread over all threads.
  std::shared_ptr<Cpu> lend() const { return shared_.lend(); }

  // Calls work(cpu, begin, end) for parts of [0, images) that make up all of it, several at once.
  void share_out(int64_t images,
                 const std::function<void(Cpu&, int64_t begin, int64_t end)>& work) const;

  // Calls work(task) for every task of [0, tasks), several at once.
  void run(int64_t tasks, const std::function<void(int64_t task)>& work) const;

  void trim() const;

 private:
  InstructionSet instructions_;
  Dtype dtype_;
  std::shared_ptr<Threads> threads_;
  mutable Workspaces shared_;  // spread one image over the threads
  mutable Workspaces serial_;  // one image to a thread
};

}  // namespace fovea
