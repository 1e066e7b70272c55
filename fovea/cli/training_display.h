// What is said while a model is trained.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "fovea/train/journal.h"

namespace fovea::cli {

// A line for each of the log. Between them, on a terminal, one that is drawn again and again;
// elsewhere one for the first step, and whenever nothing was said for `silence`, so that whoever
// reads sees that it is alive, and how far.
class TrainingDisplay {
 public:
  using Put = std::function<void(std::string_view text)>;
  TrainingDisplay(bool on_terminal, std::chrono::milliseconds silence, Put put);
  ~TrainingDisplay();
  TrainingDisplay(const TrainingDisplay&) = delete;
  TrainingDisplay& operator=(const TrainingDisplay&) = delete;

  void step(int64_t step, int64_t steps, double loss, double images_per_second);
  void evaluated(int64_t pictures, int64_t of);
  void line(const JournalLine& line);
  // Takes away what is drawn, so that something else can be printed.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  // The rest is called with the lock held.
  void happened(std::string text);
  void say(const std::string& text);
  void take_away();
  void say_after(std::chrono::milliseconds silence);  // the thread's

  const bool on_terminal_;
  const Put put_;
  std::mutex lock_;
  std::condition_variable end_;
  bool ended_ = false;
  bool drawn_ = false;
  bool stepped_ = false;
  std::string last_ = "started";  // what happened last,
  Clock::time_point since_ = Clock::now();
  Clock::time_point said_ = Clock::now();  // and when something was said
  std::thread sayer_;                      // where it is no terminal
};

}  // namespace fovea::cli
