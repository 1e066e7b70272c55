#include "fovea/cli/interrupt.h"

namespace fovea::cli {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void mark(int) { g_interrupted = 1; }

}  // namespace

Interrupt::Interrupt() {
  g_interrupted = 0;
  struct sigaction action = {};
  action.sa_handler = mark;
  // Only once, and calls that wait go on.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &before_[i]);
}

Interrupt::~Interrupt() {
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
}

bool Interrupt::happened() const { return g_interrupted != 0; }

}  // namespace fovea::cli
