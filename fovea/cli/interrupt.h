// Ending early at Ctrl-C with what is done so far, instead of at once with nothing.
#pragma once

namespace fovea::cli {

// While it lives the first Ctrl-C (SIGTERM, SIGUSR1) only sets a mark; the second ends the program
// as always.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool happened() const;
};

}  // namespace fovea::cli
