// Ending early at Ctrl-C with what is done so far, instead of at once with nothing.
#pragma once

#include <array>
#include <csignal>

namespace fovea::cli {

// While it lives the first Ctrl-C (SIGTERM, SIGUSR1) only sets a mark; the second ends the program
// as always. Afterwards signals do what they did before: what nohup or a shell ignores, too.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool happened() const;

 private:
  // Ctrl-C, and what mpirun makes of it or schedulers send as a warning.
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGUSR1};
  std::array<struct sigaction, kSignals.size()> before_ = {};
};

}  // namespace fovea::cli
