// Every golden case through the library's door, at every instruction-set level of this machine.
#include "tests/goldens.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "fovea/backend/cpu/instruction_set.h"

namespace fovea {
namespace {

class GoldensTest : public testing::TestWithParam<std::string> {
 protected:
  void TearDown() override { unsetenv("FOVEA_SIMD"); }
};

TEST_P(GoldensTest, AllRunsAtAllLevels) {
  const Array input = read_npy(golden(GetParam()) / "input.npy");
  const std::vector<GoldenRun> runs = golden_runs(GetParam());
  ASSERT_FALSE(runs.empty());
  for (const InstructionSet level : available_levels()) {
    setenv("FOVEA_SIMD", to_string(level).c_str(), 1);
    const Model model = Model::load(golden(GetParam()), {.threads = 2});
    for (const GoldenRun& run : runs) {
      SCOPED_TRACE(run.name + " at " + to_string(level));
      expect_golden(GetParam(), run.name, model.run(input, {.merge = run.options}));
    }
    expect_from_file(GetParam(), model);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldensTest, testing::ValuesIn(golden_names()), test_name);
INSTANTIATE_TEST_SUITE_P(Videos, GoldensTest, testing::ValuesIn(golden_names("goldens-video")),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Sound, GoldensTest, testing::ValuesIn(golden_names("goldens-audio")),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Families, GoldensTest, testing::ValuesIn(golden_names("goldens-families")),
                         test_name);

}  // namespace
}  // namespace fovea
