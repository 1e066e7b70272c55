// Limits that a process has, read from made-up trees of control groups.
#include "fovea/backend/cpu/processors.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <string>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

// A system's root with control groups as its process would see them.
class Quota : public testing::Test {
 protected:
  void put(const std::string& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    write_file(root_ / file, text);
  }
  void mount(const std::string& lines) const { put("proc/self/mountinfo", lines); }
  void group(const std::string& lines) const { put("proc/self/cgroup", lines); }
  std::optional<int> processors() const { return quota_processors(root_.path()); }

  TemporaryFolder root_;
};

constexpr const char* kMount2 =
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
    "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_F(Quota, NothingWhereThereIsNone) {
  EXPECT_EQ(processors(), std::nullopt);
  mount(kMount2);
  group("0::/a\n");
  EXPECT_EQ(processors(), std::nullopt);
  put("sys/fs/cgroup/a/cpu.max", "max 100000\n");
  EXPECT_EQ(processors(), std::nullopt);
  put("sys/fs/cgroup/a/cpu.max", "no numbers\n");
  EXPECT_EQ(processors(), std::nullopt);
}

TEST_F(Quota, OfVersion2IsRoundedUp) {
  mount(kMount2);
  group("0::/a\n");
  put("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  EXPECT_EQ(processors(), 2);
  put("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  EXPECT_EQ(processors(), 3);
  put("sys/fs/cgroup/a/cpu.max", "1000 100000\n");
  EXPECT_EQ(processors(), 1);
}

TEST_F(Quota, IsTheLeastOfAllGroupsAbove) {
  mount(kMount2);
  group("0::/slice/pod/container\n");
  put("sys/fs/cgroup/slice/pod/container/cpu.max", "800000 100000\n");
  put("sys/fs/cgroup/slice/pod/cpu.max", "max 100000\n");
  put("sys/fs/cgroup/slice/cpu.max", "450000 100000\n");
  put("sys/fs/cgroup/other/cpu.max", "100000 100000\n");
  EXPECT_EQ(processors(), 5);
}

// As in a container: its group is the root of what is mounted there.
TEST_F(Quota, OfAContainerIsThatOfTheMount) {
  put("sys/fs/cgroup/cpu.max", "200000 100000\n");
  mount(kMount2);
  group("0::/\n");
  EXPECT_EQ(processors(), 2);
  group("0::/../other\n");
  EXPECT_EQ(processors(), 2);
  mount("30 22 0:26 /docker/7 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  put("sys/fs/cgroup/inner/cpu.max", "100000 100000\n");
  group("0::/docker/7/inner\n");
  EXPECT_EQ(processors(), 1);
}

TEST_F(Quota, OfVersion1) {
  mount(
      "31 22 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "32 22 0:28 / /sys/fs/cgroup/cpu\\040time rw - cgroup cgroup rw,cpuacct,cpu\n");
  group("9:memory:/b\n4:cpu,cpuacct:/a/b\n0::/\n");
  const std::string folder = "sys/fs/cgroup/cpu time/";
  put(folder + "a/b/cpu.cfs_quota_us", "-1\n");
  put(folder + "a/b/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(processors(), std::nullopt);
  put(folder + "a/cpu.cfs_quota_us", "120000\n");
  put(folder + "a/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(processors(), 3);
}

TEST(OmpThreads, TakesANumberAboveZeroAndTheFirstOfAList) {
  EXPECT_EQ(omp_threads(nullptr), std::nullopt);
  EXPECT_EQ(omp_threads("3"), 3);
  EXPECT_EQ(omp_threads(" 4 , 2"), 4);
  for (const char* junk : {"", "0", "-2", "x", "3x", "2.5", ",4", "99999999999999999999"}) {
    EXPECT_EQ(omp_threads(junk), std::nullopt) << junk;
  }
}

// Sets a variable of the environment for a scope.
class OmpNumThreads {
 public:
  explicit OmpNumThreads(const char* value) {
    if (const char* text = ::getenv(kName)) before_ = text;
    value == nullptr ? ::unsetenv(kName) : ::setenv(kName, value, 1);
  }
  OmpNumThreads(const OmpNumThreads&) = delete;
  OmpNumThreads& operator=(const OmpNumThreads&) = delete;
  ~OmpNumThreads() { before_ ? ::setenv(kName, before_->c_str(), 1) : ::unsetenv(kName); }

 private:
  static constexpr const char* kName = "OMP_NUM_THREADS";
  std::optional<std::string> before_;
};

TEST(Processors, AreThoseThatTheProcessIsBoundTo) {
  cpu_set_t all;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(all), &all), 0);
  EXPECT_GE(runnable_processors(), 1);
  EXPECT_LE(runnable_processors(), CPU_COUNT(&all));
  int first = 0;
  while (!CPU_ISSET(first, &all)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(runnable_processors(), 1);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(all), &all), 0);
}

TEST(Processors, OmpNumThreadsAsksForFewerUnlessTheUserSaysMore) {
  const OmpNumThreads unset(nullptr);
  const int all = runnable_processors();
  EXPECT_EQ(usable_processors(), all);
  EXPECT_EQ(threads_to_start(0), all);
  const OmpNumThreads one("1,4");
  EXPECT_EQ(usable_processors(), 1);
  EXPECT_EQ(threads_to_start(0), 1);
  EXPECT_EQ(threads_to_start(all), all);
  EXPECT_EQ(threads_to_start(64 * all), all);
  const OmpNumThreads many("1024");
  EXPECT_EQ(usable_processors(), all);
}

}  // namespace
}  // namespace fovea
