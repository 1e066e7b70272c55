// Two processes in the place of MPI's, of which the other one always has the same as this one: what
// goes on between the threads of a process, without the network.
#include <cstdlib>
#include <thread>

#include "fovea/processes/processes.h"

namespace fovea {

struct Processes::Channels {};

Processes::Processes() : size_(2) {}

Processes::Processes(int processors) : processors_(processors) {}

Processes::~Processes() = default;

void Processes::sum(std::span<double> values) const {
  for (double& value : values) value *= size_;
}

bool Processes::sum_gradients(std::span<float> values, const std::atomic<bool>& gives_up) const {
  std::this_thread::yield();
  for (float& value : values) value *= static_cast<float>(size_);
  return !gives_up;
}

void Processes::broadcast(std::span<std::byte> /*bytes*/, int /*from*/) const {}

void Processes::collect(const std::function<void(const Give&)>& /*give_all*/,
                        const Give& /*take*/) const {}

void Processes::wait_for_all() const {}

void Processes::abort(int status) const { std::_Exit(status); }

}  // namespace fovea
