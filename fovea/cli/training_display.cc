#include "fovea/cli/training_display.h"

#include <fmt/format.h>

#include <new>
#include <utility>

namespace fovea::cli {
namespace {

std::string text_of(const JournalLine& line) {
  if (line.val_top1) {
    return fmt::format("epoch {:.2f}  step {}  top-1 {:.2f} %  top-5 {:.2f} %", line.epoch,
                       line.step, *line.val_top1, line.val_top5.value_or(0));
  }
  return fmt::format("epoch {:.2f}  step {}  loss {:.4f}  lr {:.2e}  {:.0f} images/s", line.epoch,
                     line.step, line.loss.value_or(0), line.learning_rate.value_or(0),
                     line.images_per_second.value_or(0));
}

}  // namespace

TrainingDisplay::TrainingDisplay(bool on_terminal, std::chrono::milliseconds silence, Put put)
    : on_terminal_(on_terminal), put_(std::move(put)) {
  if (!on_terminal_) sayer_ = std::thread([this, silence] { say_after(silence); });
}

TrainingDisplay::~TrainingDisplay() {
  {
    const std::lock_guard lock(lock_);
    ended_ = true;
    take_away();
  }
  end_.notify_one();
  if (sayer_.joinable()) sayer_.join();
}

void TrainingDisplay::step(int64_t step, int64_t steps, double loss, double images_per_second) {
  const std::lock_guard lock(lock_);
  happened(fmt::format("step {}/{}  loss {:.4f}  {:.0f} images/s", step, steps, loss,
                       images_per_second));
  if (!stepped_ && !on_terminal_) say(last_);
  stepped_ = true;
}

void TrainingDisplay::evaluated(int64_t pictures, int64_t of) {
  const std::lock_guard lock(lock_);
  happened(fmt::format("evaluated {}/{} pictures", pictures, of));
}

void TrainingDisplay::line(const JournalLine& line) {
  const std::lock_guard lock(lock_);
  take_away();
  say(text_of(line));
}

void TrainingDisplay::clear() {
  const std::lock_guard lock(lock_);
  take_away();
}

void TrainingDisplay::happened(std::string text) {
  last_ = std::move(text);
  since_ = Clock::now();
  if (!on_terminal_) return;
  put_("\r\033[K" + last_);
  drawn_ = true;
}

void TrainingDisplay::say(const std::string& text) {
  put_(text + "\n");
  said_ = Clock::now();
}

void TrainingDisplay::take_away() {
  if (drawn_) put_("\r\033[K");
  drawn_ = false;
}

void TrainingDisplay::say_after(std::chrono::milliseconds silence) {
  std::unique_lock lock(lock_);
  while (!ended_) {
    end_.wait_until(lock, said_ + silence);
    const auto now = Clock::now();
    if (ended_ || now < said_ + silence) continue;
    const std::chrono::duration<double> passed = now - since_;
    try {
      say(since_ > said_ ? last_ : fmt::format("{}  {:.0f} s ago", last_, passed.count()));
    } catch (const std::bad_alloc&) {
      said_ = now;  // the work goes on without it
    }
  }
}

}  // namespace fovea::cli
