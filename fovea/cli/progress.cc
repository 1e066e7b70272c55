// Drawing the progress bar.
#include "fovea/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "fovea/cli/console.h"

namespace fovea::cli {
namespace {

constexpr const char* kClearLine = "\r\033[K";

std::string duration_text(double seconds) {
  return seconds < 100 ? fmt::format("{:.0f} s", seconds) : fmt::format("{:.0f} min", seconds / 60);
}

}  // namespace

Progress::Progress(size_t total, const Processes& processes)
    : on_terminal_(processes.is_first() && ::isatty(STDERR_FILENO) != 0) {
  const auto [begin, end] = processes.share_of(static_cast<int64_t>(total));
  total_ = static_cast<size_t>(end - begin);
}

Progress::~Progress() { clear(); }

void Progress::advance(size_t count) {
  done_ += count;
  if (!on_terminal_ || count == 0) return;
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
  const double rate = static_cast<double>(done_) / std::max(passed.count(), 1e-6);
  const double left = static_cast<double>(total_ - done_) / rate;
  constexpr size_t kWidth = 20;
  const size_t filled = done_ * kWidth / total_;
  const std::string line =
      fmt::format("{}[{:#<{}}{:.<{}}] {}/{}  {:.1f} images/s  {} left", kClearLine, "", filled, "",
                  kWidth - filled, done_, total_, rate, duration_text(left));
  tell(line);
  drawn_ = true;
}

void Progress::clear() {
  if (drawn_) tell(kClearLine);
  drawn_ = false;
}

}  // namespace fovea::cli
