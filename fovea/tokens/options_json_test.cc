#include "fovea/tokens/options_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

TEST(OptionsJsonTest, ReadsValuesAsTheyWouldBeTyped) {
  const MergeTexts texts =
      parse_merge_config(R"({"r": [8, 0, "5%"], "metric": "x", "prop-attn": false})", "file");
  EXPECT_EQ(texts, (MergeTexts{{"r", "8,0,5%"}, {"metric", "x"}, {"prop-attn", "off"}}));
  EXPECT_EQ(parse_merge_config(R"({"r": [8]})", "file").at("r"), "8,0");
}

TEST(OptionsJsonTest, RefusesByNameWhatItDoesNotKnow) {
  EXPECT_EQ(error_of([] { parse_merge_config(R"({"metric": "z"})", "file"); }),
            "file: --metric z: expected one of k, q, v, x, k_concat, k_rotated");
  EXPECT_EQ(
      error_of([] { parse_merge_config(R"({"r": null})", "file"); }),
      "file: r is null; expected a number of tokens, a share of them (\"8%\"), or a list with "
      "one of these for every layer");
}

TEST(OptionsJsonTest, WritesWhatItReads) {
  const MergeTexts texts = {{"r", "8,0,5%"}, {"metric", "x"}, {"threshold", "0.5"}};
  const std::string text = merge_config_text(texts);
  EXPECT_EQ(text, "{\"r\":[8,0,\"5%\"],\"metric\":\"x\",\"threshold\":0.5}\n");
  EXPECT_EQ(parse_merge_config(text, "file"), texts);
  EXPECT_EQ(schedule_as_json(parse_schedule("13")), 13);
}

}  // namespace
}  // namespace fovea
