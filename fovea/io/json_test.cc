#include "fovea/io/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

TEST(ParseJsonObject, TakesWhatPythonWritesForNumbersThatAreNone) {
  const nlohmann::json object = parse_json_object(
      R"({"a": NaN, "b": [Infinity, -Infinity, 1], "NaN": "NaN", "c": "\\", "d": "\"NaN"})", "x");
  EXPECT_TRUE(object["a"].is_null());
  EXPECT_TRUE(object["b"][0].is_null());
  EXPECT_TRUE(object["b"][1].is_null());
  EXPECT_EQ(object["b"][2], 1);
  EXPECT_EQ(object["NaN"], "NaN");
  EXPECT_EQ(object["c"], "\\");
  EXPECT_EQ(object["d"], "\"NaN");
}

TEST(ParseJsonObject, RefusesWhatIsNoObject) {
  EXPECT_THAT(error_of([] { parse_json_object("NaN", "x"); }), testing::HasSubstr("x: holds null"));
  EXPECT_THAT(error_of([] { parse_json_object("{\"a\": nan}", "x"); }),
              testing::HasSubstr("x: not JSON"));
}

}  // namespace
}  // namespace fovea
