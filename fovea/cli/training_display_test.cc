#include "fovea/cli/training_display.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

namespace fovea::cli {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

constexpr auto kNever = 1h;

JournalLine logged(int64_t step) {
  JournalLine line;
  line.step = step;
  line.loss = 1.5;
  return line;
}

class TrainingDisplayTest : public testing::Test {
 protected:
  TrainingDisplay::Put put() {
    return [this](std::string_view text) {
      said_ += text;
      ++times_;
    };
  }
  // Until something was said so often; false after ten seconds.
  bool wait_for(int times) const {
    for (int i = 0; i < 1000 && times_ < times; ++i) std::this_thread::sleep_for(10ms);
    return times_ >= times;
  }

  std::string said_;  // to be read once the display is gone
  std::atomic<int> times_ = 0;
};

TEST_F(TrainingDisplayTest, SaysTheFirstStepAndTheLogsLines) {
  {
    TrainingDisplay display(false, kNever, put());
    display.step(1, 39, 2.25, 100);
    display.step(2, 39, 2, 100);
    display.line(logged(2));
    display.clear();
  }
  EXPECT_EQ(said_,
            "step 1/39  loss 2.2500  100 images/s\n"
            "epoch 0.00  step 2  loss 1.5000  lr 0.00e+00  0 images/s\n");
}

TEST_F(TrainingDisplayTest, BreaksASilence) {
  {
    TrainingDisplay display(false, 20ms, put());
    ASSERT_TRUE(wait_for(2));  // before there is any step
    display.step(1, 39, 2.25, 100);
    ASSERT_TRUE(wait_for(times_ + 2));  // while a step takes long
    display.step(2, 39, 2, 100);
    ASSERT_TRUE(wait_for(times_ + 1));
    display.evaluated(32, 1000);
    ASSERT_TRUE(wait_for(times_ + 2));
  }
  EXPECT_THAT(said_, AllOf(HasSubstr("started  0 s ago\n"),
                           HasSubstr("step 1/39  loss 2.2500  100 images/s  0 s ago\n"),
                           HasSubstr("step 2/39  loss 2.0000  100 images/s\n"),
                           HasSubstr("evaluated 32/1000 pictures\n")));
}

TEST_F(TrainingDisplayTest, DrawsOneLineOnATerminal) {
  {
    TrainingDisplay display(true, 1ms, put());
    std::this_thread::sleep_for(20ms);
    display.step(1, 39, 2.25, 100);
    display.evaluated(32, 1000);
    display.line(logged(1));
    display.step(2, 39, 2.25, 100);
  }
  EXPECT_EQ(said_,
            "\r\033[Kstep 1/39  loss 2.2500  100 images/s\r\033[Kevaluated 32/1000 pictures\r\033[K"
            "epoch 0.00  step 1  loss 1.5000  lr 0.00e+00  0 images/s\n"
            "\r\033[Kstep 2/39  loss 2.2500  100 images/s\r\033[K");
}

}  // namespace
}  // namespace fovea::cli
