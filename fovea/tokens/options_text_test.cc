#include "fovea/tokens/options_text.h"

#include <gtest/gtest.h>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

TEST(OptionsTextTest, ReadsEveryOptionByItsName) {
  const MergeOptions options = merge_options(MergeTexts{
      {"r", "8%"}, {"metric", "x"}, {"prop-attn", "off"}, {"threshold", "0.5"}, {"seed", "3"}});
  EXPECT_EQ(options.schedule.r, Amount::percent(8));
  EXPECT_EQ(options.metric, Metric::x);
  EXPECT_FALSE(options.prop_attn);
  EXPECT_EQ(options.threshold, 0.5F);
  EXPECT_EQ(options.seed, 3);
}

TEST(OptionsTextTest, WhatIsNotGivenHasItsDefault) {
  const MergeOptions options = merge_options(MergeTexts{});
  EXPECT_EQ(options.schedule.r, Amount(0));
  EXPECT_TRUE(options.prop_attn);
  EXPECT_FALSE(options.threshold);
}

TEST(OptionsTextTest, AThresholdAloneOpensR) {
  EXPECT_EQ(merge_options(MergeTexts{{"threshold", "0.5"}}).schedule.r, Amount(kNoLimit));
  EXPECT_EQ(merge_options(MergeTexts{{"threshold", "0.5"}, {"r", "4"}}).schedule.r, Amount(4));
}

TEST(OptionsTextTest, RefusesWhatDoesNotGoTogether) {
  EXPECT_EQ(error_of([] {
              merge_options(MergeTexts{{"inflect", "1"}, {"r", "8%"}});
            }),
            "--inflect 1: does not go with a share, --r 8%; expected one number of tokens");
  EXPECT_EQ(error_of([] {
              merge_options(MergeTexts{{"prop-attn", "yes"}});
            }),
            "--prop-attn yes: expected on or off");
}

}  // namespace
}  // namespace fovea
