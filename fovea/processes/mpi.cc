// Processes over MPI.
#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "fovea/backend/cpu/processors.h"
#include "fovea/io/fail.h"
#include "fovea/processes/processes.h"

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
// pictures need. False where `gives_up` was set meanwhile.
template <class Test>
bool wait_until(const Test& is_done, const std::atomic<bool>* gives_up = nullptr) {
  constexpr int kEager = 200;
  constexpr std::chrono::microseconds kPause(50);
  for (int i = 0;; ++i) {
    if (is_done()) return true;
    if (gives_up != nullptr && *gives_up) return false;
    if (i < kEager) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(kPause);
    }
  }
}

bool wait(MPI_Request request, const std::atomic<bool>* gives_up = nullptr) {
  const auto is_done = [&] {
    int done = 0;
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    return done != 0;
  };
  return wait_until(is_done, gives_up);
}

void send_to_first(std::span<const std::byte> bytes, MPI_Comm channel) {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Isend(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, 0, 0, channel, &request);
  wait(request);
}

std::vector<std::byte> receive(int from, MPI_Comm channel) {
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status{};
  wait_until([&] {
    int is_there = 0;
    MPI_Improbe(from, 0, channel, &is_there, &message, &status);
    return is_there != 0;
  });
  int size = 0;
  MPI_Get_count(&status, MPI_BYTE, &size);
  std::vector<std::byte> bytes(size);
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Imrecv(bytes.data(), size, MPI_BYTE, &message, &request);
  wait(request);
  return bytes;
}

// Whether mpirun has bound the processes of a machine to processors or not, together they may use
// the union of what each may use, and at most as many as one of them alone has time for.
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
  const int all = CPU_COUNT(&usable);
  const int share = std::max(1, std::min(all, quota_processors("/").value_or(all)) / count);
  return std::min(share, omp_threads(std::getenv("OMP_NUM_THREADS")).value_or(share));
}

}  // namespace

// Messages of one never meet those of the other.
struct Processes::Channels {
  MPI_Comm common = MPI_COMM_NULL;
  MPI_Comm gradients = MPI_COMM_NULL;
};

Processes::Processes(int processors) : processors_(processors) {}

Processes::Processes() : Processes(usable_processors()) {
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
  wait(request);
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
  constexpr size_t kMost = size_t{1} << 30;  // MPI counts in int
  while (!bytes.empty()) {
    const std::span<std::byte> piece = bytes.first(std::min(kMost, bytes.size()));
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibcast(piece.data(), static_cast<int>(piece.size()), MPI_BYTE, from, channels_->common,
               &request);
    wait(request);
    bytes = bytes.subspan(piece.size());
  }
}

void Processes::collect(const std::function<void(const Give&)>& give_all, const Give& take) const {
  if (size_ == 1) return;
  const MPI_Comm channel = channels_->common;
  if (!is_first()) {
    give_all([&](std::span<const std::byte> piece) { send_to_first(piece, channel); });
    return send_to_first({}, channel);  // no more
  }
  for (int from = 1; from < size_; ++from) {
    for (auto piece = receive(from, channel); !piece.empty(); piece = receive(from, channel)) {
      take(piece);
    }
  }
}

void Processes::wait_for_all() const {
  if (size_ == 1) return;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(channels_->common, &request);
  wait(request);
}

void Processes::abort(int status) const {
  if (channels_ != nullptr) MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

}  // namespace fovea
