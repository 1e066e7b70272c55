#include "fovea/backend/cpu/threads.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace fovea {
namespace {

TEST(Threads, RunsEveryTaskOnce) {
  for (const int count : {1, 2, 5}) {
    Threads threads(count);
    EXPECT_EQ(threads.count(), count);
    for (const int tasks : {0, 1, 7, 1000}) {
      std::vector<std::atomic<int>> done(tasks);
      threads.run(tasks, [&](int64_t task, int worker) {
        ASSERT_LT(worker, count);
        ++done[task];
      });
      for (const std::atomic<int>& d : done) EXPECT_EQ(d, 1);
    }
  }
}

// More threads than processors: some come to a loop when it is over, or when the next has begun.
TEST(Threads, LateOnesTakeNoTaskOfALoopThatIsOver) {
  Threads threads(16);
  for (int loop = 0; loop < 3000; ++loop) {
    std::vector<int> done(1 + loop % 5);  // gone after the loop
    threads.run(static_cast<int64_t>(done.size()), [&done](int64_t task, int) { ++done[task]; });
    EXPECT_EQ(done, std::vector<int>(done.size(), 1));
  }
}

TEST(Threads, ThrowsWhatATaskThrewAndWorksOn) {
  Threads threads(3);
  const auto fails = [](int64_t task, int) {
    if (task == 5) throw std::runtime_error("task 5");
  };
  EXPECT_THROW(threads.run(20, fails), std::runtime_error);
  std::atomic<int> done = 0;
  threads.run(20, [&](int64_t, int) { ++done; });
  EXPECT_EQ(done, 20);
}

TEST(Threads, SeveralCallersAtOnceAllGetDone) {
  Threads threads(2);
  std::atomic<int> done = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) threads.run(8, [&](int64_t, int) { ++done; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(done, 4 * 200 * 8);
}

TEST(Threads, LoopsInsideTasksRunWhereTheyAre) {
  Threads threads(2);
  std::atomic<int> done = 0;
  threads.run(4, [&](int64_t, int) { threads.run(3, [&](int64_t, int) { ++done; }); });
  EXPECT_EQ(done, 12);
}

// Leaves room for a few more stacks of threads only.
void limit_memory() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit stack = {};
  ::getrlimit(RLIMIT_STACK, &stack);
  const rlim_t stacks = 5 * std::min<rlim_t>(stack.rlim_cur, 64 << 20);
  const rlim_t bytes = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + stacks;
  const rlimit limit = {bytes, bytes};
  ::setrlimit(RLIMIT_AS, &limit);
}

// Whether a limit holds: qemu's emulated processes know none.
bool memory_can_be_limited() {
  const pid_t child = ::fork();
  if (child == 0) {
    limit_memory();
    constexpr size_t kMore = size_t{1} << 30;
    void* const more = ::mmap(nullptr, kMore, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ::_exit(more == MAP_FAILED ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Threads, WorkWithThoseThatTheSystemGives) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need more address space than can be limited";
#endif
  if (!memory_can_be_limited()) GTEST_SKIP() << "the memory of a process can't be limited here";
  const auto run_with_little_room = [] {
    limit_memory();
    Threads threads(500);
    std::atomic<int> done = 0;
    threads.run(100, [&](int64_t, int) { ++done; });
    std::_Exit(threads.count() < 500 && done == 100 ? 0 : 1);
  };
  EXPECT_EXIT(run_with_little_room(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace fovea
