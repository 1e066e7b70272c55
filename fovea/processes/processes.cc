// What processes do by what they can tell each other, whatever carries it.
#include "fovea/processes/processes.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "fovea/backend/cpu/processors.h"

namespace fovea {

const Processes& Processes::alone() {
  static const Processes kAlone(usable_processors());
  return kAlone;
}

void Processes::sum(std::initializer_list<int64_t*> counts) const {
  std::vector<double> sums;
  for (const int64_t* count : counts) sums.push_back(static_cast<double>(*count));
  sum(sums);
  auto next = sums.begin();
  for (int64_t* count : counts) *count = static_cast<int64_t>(*next++);
}

void Processes::together(const std::function<void()>& part) const {
  if (size_ == 1) return part();
  std::array<char, 2048> message{};
  std::vector<double> failed(size_);
  try {
    part();
  } catch (const std::exception& error) {
    const bool memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
    std::strncpy(message.data(), memory ? "not enough memory" : error.what(), message.size() - 1);
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

}  // namespace fovea
