#include "fovea/cli/interrupt.h"

#include <gtest/gtest.h>

namespace fovea::cli {
namespace {

void do_nothing(int) {}

// What a signal does now.
auto handler_of(int signal) {
  struct sigaction action = {};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

TEST(InterruptTest, MarksTheFirstSignalAlone) {
  const Interrupt interrupt;
  EXPECT_FALSE(interrupt.happened());
  std::raise(SIGTERM);
  EXPECT_TRUE(interrupt.happened());
  EXPECT_EQ(handler_of(SIGTERM), SIG_DFL);
}

TEST(InterruptTest, LeavesSignalsAsTheyWere) {
  const auto usual = std::signal(SIGINT, SIG_IGN);  // as a shell does for what runs behind it
  const auto of_user = std::signal(SIGUSR1, do_nothing);
  {
    const Interrupt interrupt;
    std::raise(SIGUSR1);
    EXPECT_TRUE(interrupt.happened());
  }
  EXPECT_EQ(handler_of(SIGINT), SIG_IGN);
  EXPECT_EQ(handler_of(SIGUSR1), do_nothing);
  EXPECT_EQ(handler_of(SIGTERM), SIG_DFL);
  std::signal(SIGINT, usual);
  std::signal(SIGUSR1, of_user);
}

}  // namespace
}  // namespace fovea::cli
