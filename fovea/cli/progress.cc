#include "fovea/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace fovea::cli {

Progress::Progress(std::string what, size_t total)
    : what_(std::move(what)), total_(total), on_terminal_(::isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() { clear(); }

void Progress::advance(size_t count) {
  done_ += count;
  if (!on_terminal_) return;
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
  const double rate = static_cast<double>(done_) / passed.count();
  const double left = static_cast<double>(total_ - done_) / rate;
  constexpr size_t kWidth = 24;
  const size_t filled = total_ == 0 ? kWidth : done_ * kWidth / total_;
  fmt::print(stderr, "\r\033[K{} [{:#<{}}{:.<{}}] {}/{}  {:.1f} a second, {:.0f} s left", what_, "",
             filled, "", kWidth - filled, done_, total_, rate, left);
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\033[K");
  drawn_ = false;
}

}  // namespace fovea::cli
