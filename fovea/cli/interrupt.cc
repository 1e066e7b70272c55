#include "fovea/cli/interrupt.h"

#include <csignal>

namespace fovea::cli {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

// Ctrl-C, and what mpirun makes of it or schedulers send as a warning.
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGUSR1};

void mark(int) { g_interrupted = 1; }

}  // namespace

Interrupt::Interrupt() {
  g_interrupted = 0;
  struct sigaction action = {};
  action.sa_handler = mark;
  // Only once, and calls that wait go on.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  for (const int signal : kSignals) ::sigaction(signal, &action, nullptr);
}

Interrupt::~Interrupt() {
  for (const int signal : kSignals) std::signal(signal, SIG_DFL);
}

bool Interrupt::happened() const { return g_interrupted != 0; }

}  // namespace fovea::cli
