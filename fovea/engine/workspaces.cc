#include "fovea/engine/workspaces.h"

#include <utility>

namespace fovea {

Workspaces::Workspaces(InstructionSet instructions, Dtype dtype, std::shared_ptr<Threads> threads,
                       int most_idle)
    : instructions_(instructions),
      dtype_(dtype),
      threads_(std::move(threads)),
      most_idle_(most_idle) {
  idle_.reserve(most_idle_);  // giving back must not fail
}

std::shared_ptr<Cpu> Workspaces::lend() {
  std::unique_ptr<Cpu> cpu = take_idle();
  if (!cpu) cpu = std::make_unique<Cpu>(instructions_, dtype_, threads_);
  return {cpu.release(), [this](Cpu* used) { give_back(std::unique_ptr<Cpu>(used)); }};
}

void Workspaces::trim() {
  while (take_idle()) {
  }
}

std::unique_ptr<Cpu> Workspaces::take_idle() {
  const std::lock_guard lock(lock_);
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Cpu> cpu = std::move(idle_.back());
  idle_.pop_back();
  return cpu;
}

void Workspaces::give_back(std::unique_ptr<Cpu> cpu) {
  const std::lock_guard lock(lock_);
  if (idle_.size() < most_idle_) idle_.push_back(std::move(cpu));
}

}  // namespace fovea
