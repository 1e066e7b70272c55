#include "fovea/train/amp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "fovea/backend/cpu/instruction_set.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class AmpTest : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("FOVEA_SIMD"); }
};

TEST_F(AmpTest, AutoIsBf16WhereTheProcessorMultipliesInIt) {
  const AmpChoice with = choose_amp(Amp::automatic, {"the processor (avx512_bf16)", true});
  EXPECT_TRUE(with.in_bf16);
  EXPECT_THAT(with.note, AllOf(HasSubstr("amp is auto: multiplies in bf16"),
                               HasSubstr("the processor (avx512_bf16)")));
  const AmpChoice without = choose_amp(Amp::automatic, {"the processor (avx2)", false});
  EXPECT_FALSE(without.in_bf16);
  EXPECT_THAT(without.note, AllOf(HasSubstr("amp is auto: multiplies in f32"),
                                  HasSubstr("the processor (avx2) has no bf16")));
}

TEST_F(AmpTest, TrueObeysAndWarns) {
  const AmpChoice emulated = choose_amp(Amp::on, {"the processor (avx2)", false});
  EXPECT_TRUE(emulated.in_bf16);
  EXPECT_THAT(emulated.note, HasSubstr("the processor (avx2) has none"));
  EXPECT_TRUE(choose_amp(Amp::on, {"x", true}).in_bf16);
  EXPECT_EQ(choose_amp(Amp::on, {"x", true}).note, "");
}

TEST_F(AmpTest, FalseIsFalse) {
  for (const bool in_bf16 : {false, true}) {
    EXPECT_FALSE(choose_amp(Amp::off, {"x", in_bf16}).in_bf16);
    EXPECT_EQ(choose_amp(Amp::off, {"x", in_bf16}).note, "");
  }
}

TEST_F(AmpTest, AProcessorIsWhatFoveaSimdLeavesOfIt) {
  EXPECT_EQ(multiplier_of("cpu").in_bf16, available_levels().back().has(levels::kAvx512Bf16));
  ::setenv("FOVEA_SIMD", "scalar", 1);
  const Multiplier capped = multiplier_of("cpu");
  EXPECT_FALSE(capped.in_bf16);
  EXPECT_THAT(capped.name, HasSubstr("scalar"));
  ::setenv("FOVEA_SIMD", "mmx", 1);
  EXPECT_THAT(error_of([] { multiplier_of("cpu"); }), HasSubstr("FOVEA_SIMD=mmx"));
}

}  // namespace
}  // namespace fovea
