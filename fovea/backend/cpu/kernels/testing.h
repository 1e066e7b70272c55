// What the tests of kernels share: numbers to work on, and every level in turn.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "fovea/backend/cpu/kernels/kernels.h"

namespace fovea::kernels {

inline std::vector<float> random_floats(int64_t count, uint32_t seed, float low = -1,
                                        float high = 1) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(count);
  for (float& v : values) v = distribution(generator);
  return values;
}

// The table of a level; skipped where this processor has no such level.
class LevelTest : public testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    const std::vector<InstructionSet> levels = available_levels();
    if (std::find(levels.begin(), levels.end(), GetParam()) == levels.end())
      GTEST_SKIP() << "this processor has no " << to_string(GetParam());
  }

  const Table t = table(GetParam());
  const Product& f32 = t.product(Dtype::f32);
  const Product& bf16 = t.product(Dtype::bf16);  // of weights in bf16
};

}  // namespace fovea::kernels
