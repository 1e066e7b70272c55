// What products of bf16 inputs are helped with: means over heads for matching, and inputs in single
// precision.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <span>

#include "fovea/backend/cpu/cpu.h"
#include "tests/compare.h"

namespace fovea {
namespace {

constexpr int64_t kWidth = 96;
constexpr int kHeads = 3;
constexpr int64_t kTokens = 21;

// Values that are bf16 already, so that only the rounding of inputs shows.
Array random_bf16(const Shape& shape, float scale, uint32_t seed) {
  Array array(shape);
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, scale);
  for (float& value : array.data) {
    value = normal(generator);
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    bits &= 0xffff0000U;
    std::memcpy(&value, &bits, sizeof(bits));
  }
  return array;
}

class Bf16Test : public testing::Test {
 protected:
  void SetUp() override {
    if (!available_levels().back().has(levels::kAvx512Bf16))
      GTEST_SKIP() << "no bf16 arithmetic here";
  }
  Cpu make(Dtype dtype) { return {levels::kAvx512Bf16, dtype, std::make_shared<Threads>(2)}; }

  // An image of 3 x 7 patches as a tensor [1, 21, 96] of single precision.
  static Tensor tokens(Cpu& cpu) {
    static const std::vector<float> pixels = [] {
      std::vector<float> values(3 * 12 * 56);
      std::mt19937 generator(7);
      std::normal_distribution<float> normal;
      for (float& value : values) value = normal(generator);
      return values;
    }();
    return cpu.patches({pixels.data(), 1, 3, {12, 56}}, {4, 8}, {4, 8}, {});
  }
};

TEST_F(Bf16Test, MeansOverHeadsAreAsExactAsSinglePrecisionWhereTokensAreMatched) {
  const Array weight = random_bf16({3 * kWidth, kWidth}, 0.1F, 1);
  const Array bias = random_bf16({3 * kWidth}, 0.1F, 2);
  const auto key_means = [&](Dtype dtype, bool matched) {
    Cpu cpu = make(dtype);
    const Cpu::Norm norm =
        cpu.make_norm({random_bf16({kWidth}, 1, 3)}, {random_bf16({kWidth}, 1, 4)}, 1e-6);
    const Cpu::Qkv qkv = cpu.make_qkv({weight}, {bias}, kHeads);
    const Tensor x = tokens(cpu);
    EXPECT_EQ(x.rows(), kTokens);
    const std::vector<CpuProjection> seen(2, cpu.project(x, norm, qkv, matched));
    return cpu.read(cpu.head_mean(seen, QkvPart::k, kHeads));
  };
  const Array want = key_means(Dtype::f32, true);
  EXPECT_LT(relative_error(key_means(Dtype::bf16, true), want), 3e-5);
  EXPECT_GT(relative_error(key_means(Dtype::bf16, false), want), 3e-4);
}

TEST_F(Bf16Test, InputsInSinglePrecisionLoseNextToNothing) {
  const Array weight = random_bf16({40, kWidth}, 0.1F, 5);
  const Array bias = random_bf16({40}, 0.1F, 6);
  const auto results = [&](Dtype dtype) {
    Cpu cpu = make(dtype);
    const Cpu::Linear w = cpu.make_linear({weight}, {bias});
    const Tensor x = tokens(cpu);
    return std::vector<Array>{
        cpu.read(cpu.linear(x, w)), cpu.read(cpu.linear(x, w, Activation::gelu)),
        cpu.read(cpu.add_linear(cpu.linear(x, w), x, w, std::vector<float>(40, 0.5F)))};
  };
  const std::vector<Array> want = results(Dtype::f32);
  const std::vector<Array> got = results(Dtype::bf16);
  for (size_t i = 0; i < want.size(); ++i) EXPECT_LT(relative_error(got[i], want[i]), 3e-5) << i;
}

// Leaves memory that holds nothing but NaN behind, for what is computed next.
void fill_with_nan(Cpu& cpu) {
  std::vector<Tensor> tensors;
  const Array rows({kTokens, 1024}, std::vector<float>(kTokens * 1024, NAN));
  for (int i = 0; i < 4; ++i) tensors.push_back(cpu.write(rows));
}

TEST_F(Bf16Test, OddWidthsReadNoMemoryThatNobodyWrote) {
  constexpr int64_t kOdd = 25;
  Cpu cpu = make(Dtype::bf16);
  const Cpu::Norm norm = cpu.make_norm({random_bf16({kOdd}, 1, 3)}, {random_bf16({kOdd}, 1, 4)}, 1);
  const Cpu::Qkv qkv = cpu.make_qkv({random_bf16({3 * kOdd, kOdd}, 0.1F, 1)}, {}, 1);
  const Cpu::Linear w = cpu.make_linear({random_bf16({kOdd, kOdd}, 0.1F, 5)}, {});
  const Tensor x = cpu.write(random_bf16({kTokens, kOdd}, 1, 6));
  const CpuProjection projection = cpu.project(x, norm, qkv, false);
  fill_with_nan(cpu);
  const Tensor attended = cpu.attention(projection, 1, {});
  for (const float value : cpu.read(cpu.linear(attended, w)).data)
    ASSERT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace fovea
