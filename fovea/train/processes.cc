#include "fovea/train/processes.h"

#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "fovea/backend/cpu/threads.h"

namespace fovea {
namespace {

// What Open MPI's, and other launchers', mpirun sets for the processes that it starts.
const char* told_size() {
  const char* size = std::getenv("OMPI_COMM_WORLD_SIZE");
  return size != nullptr ? size : std::getenv("PMI_SIZE");
}

bool is_started_by_mpirun() {
  return told_size() != nullptr || std::getenv("PMIX_RANK") != nullptr;
}

// MPI's own waiting never leaves the processor, which the arithmetic and the threads that prepare
// pictures need.
bool wait(MPI_Request request, const std::atomic<bool>* gives_up) {
  constexpr int kEager = 200;
  constexpr std::chrono::microseconds kPause(50);
  for (int i = 0;; ++i) {
    int is_done = 0;
    MPI_Test(&request, &is_done, MPI_STATUS_IGNORE);
    if (is_done != 0) return true;
    if (gives_up != nullptr && *gives_up) return false;
    if (i < kEager) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(kPause);
    }
  }
}

// Whether mpirun has bound the processes of a machine to processors or not, together they may use
// the union of what each may use.
int shared_processors() {
  MPI_Comm machine = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
  int count = 1;
  MPI_Comm_size(machine, &count);
  cpu_set_t usable;
  CPU_ZERO(&usable);
  ::sched_getaffinity(0, sizeof usable, &usable);
  MPI_Allreduce(MPI_IN_PLACE, &usable, sizeof usable, MPI_BYTE, MPI_BOR, machine);
  MPI_Comm_free(&machine);
  return std::max(1, CPU_COUNT(&usable) / count);
}

}  // namespace

// Messages of one never meet those of the other.
struct Processes::Channels {
  MPI_Comm common = MPI_COMM_NULL;
  MPI_Comm gradients = MPI_COMM_NULL;
};

Processes::Processes() : processors_(usable_processors()) {
  if (!is_started_by_mpirun()) return;
  int level = MPI_THREAD_SINGLE;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &level);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  const char* told = told_size();
  const int want = told == nullptr ? size_ : std::atoi(told);
  if (want != size_ || level < MPI_THREAD_MULTIPLE) {
    const int found = size_;
    MPI_Finalize();
    if (want != found) {
      fail("mpirun has started {} processes, of which MPI finds {}; expected Open MPI's mpirun",
           want, found);
    }
    fail("this MPI takes messages from one thread only; expected MPI_THREAD_MULTIPLE");
  }
  processors_ = shared_processors();
  channels_ = std::make_unique<Channels>();
  MPI_Comm_dup(MPI_COMM_WORLD, &channels_->common);
  MPI_Comm_dup(MPI_COMM_WORLD, &channels_->gradients);
}

Processes::~Processes() {
  if (channels_ == nullptr) return;
  MPI_Comm_free(&channels_->common);
  MPI_Comm_free(&channels_->gradients);
  MPI_Finalize();
}

void Processes::sum(std::span<double> values) const {
  if (size_ == 1) return;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE, MPI_SUM,
                 channels_->common, &request);
  wait(request, nullptr);
}

bool Processes::sum_gradients(std::span<float> values, const std::atomic<bool>& gives_up) const {
  if (size_ == 1) return true;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_FLOAT, MPI_SUM,
                 channels_->gradients, &request);
  return wait(request, &gives_up);
}

void Processes::broadcast(std::span<std::byte> bytes, int from) const {
  if (size_ == 1) return;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibcast(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, from, channels_->common,
             &request);
  wait(request, nullptr);
}

void Processes::wait_for_all() const {
  if (size_ == 1) return;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(channels_->common, &request);
  wait(request, nullptr);
}

void Processes::together(const std::function<void()>& part) const {
  if (size_ == 1) return part();
  std::array<char, 2048> message{};
  std::vector<double> failed(size_);
  try {
    part();
  } catch (const std::exception& error) {
    std::strncpy(message.data(), error.what(), message.size() - 1);
    failed[rank_] = 1;
  }
  sum(failed);
  const auto first = std::find(failed.begin(), failed.end(), 1.0);
  if (first == failed.end()) return;
  const int from = static_cast<int>(first - failed.begin());
  broadcast(std::as_writable_bytes(std::span(message)), from);
  const bool all = std::count(failed.begin(), failed.end(), 1.0) == size_;
  throw CommonError(all ? message.data()
                        : fmt::format("process {} of {}: {}", from, size_, message.data()));
}

void Processes::abort(int status) const {
  if (channels_ != nullptr) MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

}  // namespace fovea
