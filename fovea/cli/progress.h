// A line on the terminal that says how far a long piece of work is.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "fovea/processes/processes.h"

namespace fovea::cli {

// Draws on standard error, and only where that is a terminal.
class Progress {
 public:
  // Of several processes the first one draws how far it is with its share of `total`.
  explicit Progress(size_t total, const Processes& processes = Processes::alone());
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `count` more are done.
  void advance(size_t count);
  // Takes the line away, so that something else can be printed; the next advance() draws it again.
  void clear();

 private:
  size_t total_ = 0;
  size_t done_ = 0;
  bool on_terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace fovea::cli
