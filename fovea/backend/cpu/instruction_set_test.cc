#include "fovea/backend/cpu/instruction_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "fovea/io/error.h"

namespace fovea {
namespace {

// Sets FOVEA_SIMD for one test.
class LevelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* old = std::getenv("FOVEA_SIMD")) old_ = old;
  }
  void TearDown() override {
    old_.empty() ? unsetenv("FOVEA_SIMD") : setenv("FOVEA_SIMD", old_.c_str(), 1);
  }

 private:
  std::string old_;
};

TEST(InstructionSetTest, HasWhatIsInIt) {
  const InstructionSet odd{SimdFeature::avx2, SimdFeature::avx512_bf16};
  EXPECT_TRUE(odd.has(levels::kAvx2));
  EXPECT_TRUE(odd.has(levels::kScalar));
  EXPECT_FALSE(odd.has(levels::kAvx512));
  EXPECT_FALSE(odd.has(levels::kAvx512Bf16));
  EXPECT_EQ(odd.both(levels::kAvx512), levels::kAvx2);
  EXPECT_EQ(odd.either(levels::kAvx512), levels::kAvx512Bf16);
}

#if defined(__x86_64__)
TEST(InstructionSetTest, IsCalledByTheLastLevelThatIsInIt) {
  EXPECT_EQ(to_string({SimdFeature::avx2, SimdFeature::avx512_bf16}), "avx2");
  EXPECT_EQ(to_string({SimdFeature::avx512}), "scalar");
  EXPECT_EQ(to_string(levels::kAvx512Bf16), "avx512_bf16");
}
#endif

TEST_F(LevelTest, EveryMachineHasScalar) { EXPECT_EQ(available_levels().front(), levels::kScalar); }

TEST_F(LevelTest, CapsTheChoice) {
  setenv("FOVEA_SIMD", "scalar", 1);
  EXPECT_EQ(chosen_instructions(), levels::kScalar);
  unsetenv("FOVEA_SIMD");
  EXPECT_EQ(chosen_instructions(), available_levels().back());
  setenv("FOVEA_SIMD", to_string(known_levels().back()).c_str(), 1);
  EXPECT_EQ(chosen_instructions(), available_levels().back());
}

#if defined(__aarch64__)
constexpr const char* kOfTheOther = "avx2";
constexpr const char* kNames = "scalar or neon";
#else
constexpr const char* kOfTheOther = "neon";
constexpr const char* kNames = "scalar, avx2, avx512 or avx512_bf16";
#endif

TEST_F(LevelTest, RefusesALevelThatThisArchitectureDoesNotHave) {
  for (const std::string cap : {"avx1024", kOfTheOther}) {
    setenv("FOVEA_SIMD", cap.c_str(), 1);
    EXPECT_THAT([] { chosen_instructions(); },
                testing::ThrowsMessage<Error>("FOVEA_SIMD=" + cap + ": expected " + kNames));
  }
}

}  // namespace
}  // namespace fovea
