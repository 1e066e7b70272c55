#include "fovea/backend/cpu/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <new>

namespace fovea {
namespace {

TEST(Arena, GivesAlignedMemoryThatIsUsedAgain) {
  Arena arena;
  const float* first = nullptr;
  {
    const std::shared_ptr<float[]> a = arena.take(1000);
    first = a.get();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % 64, 0U);
    const std::shared_ptr<float[]> b = arena.take(1000);
    EXPECT_NE(b.get(), first);
  }
  const std::shared_ptr<float[]> smaller = arena.take(900);
  const std::shared_ptr<float[]> again = arena.take(1000);
  EXPECT_TRUE(smaller.get() == first || again.get() == first);
}

TEST(Arena, LendsTheSmallestBufferThatFits) {
  Arena arena;
  const float* small = nullptr;
  {
    const std::shared_ptr<float[]> a = arena.take(10);
    const std::shared_ptr<float[]> b = arena.take(10000);
    small = a.get();
  }
  EXPECT_EQ(arena.take(5).get(), small);
}

TEST(Arena, RefusesWhatNoMachineHas) {
  EXPECT_THROW(allocate_floats(std::numeric_limits<int64_t>::max() / 2), std::bad_alloc);
  EXPECT_THROW(allocate_floats(-1), std::bad_alloc);
}

}  // namespace
}  // namespace fovea
