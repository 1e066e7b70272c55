#include "fovea/cli/options.h"

#include <gtest/gtest.h>

namespace fovea::cli {
namespace {

// Tokens of a batch are a hundred times its features: classify and embed must not copy them.
TEST(OptionsTest, ARunAsTypedLeavesTokensOut) {
  EXPECT_FALSE(run_options({}, "").want_tokens);
  EXPECT_FALSE(run_options({}, "0.5").want_tokens);
}

}  // namespace
}  // namespace fovea::cli
