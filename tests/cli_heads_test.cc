// --num-heads from outside: models of which nothing tells how many heads they have.
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/io/npy.h"
#include "fovea/model/testing.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

class CliHeads : public testing::Test {
 protected:
  CliHeads() {
    std::filesystem::create_directory(folder_ / "model");
    std::filesystem::copy_file(golden("vit-odd") / "model.safetensors", model_);
  }

  TemporaryFolder folder_;
  const std::string model_ = folder_ / "model" / "model.safetensors";
};

TEST_F(CliHeads, AreAskedForWhereNothingTells) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"inspect", model_},
                                                  {"convert", model_, "-o", folder_ / "converted"},
                                                  {"classify", model_, picture("gray.png")}}) {
    expect_refused(run_fovea(command), "can't be told for 80 channels; expected --num-heads N");
  }
}

TEST_F(CliHeads, MakeTheModelThatOneWithAConfigIs) {
  const auto forward = [&](std::vector<std::string> model, const std::string& output) {
    std::vector<std::string> command = {"forward"};
    command.insert(command.end(), model.begin(), model.end());
    command.insert(command.end(),
                   {"--input", golden_path("vit-odd/input.npy"), "--output", folder_ / output});
    expect_done(run_fovea(command));
    return read_all(folder_ / output);
  };
  const std::string want = forward({golden_path("vit-odd")}, "want");
  EXPECT_EQ(forward({model_, "--num-heads", "5"}, "got"), want);
  EXPECT_NE(forward({model_, "--num-heads", "4"}, "other"), want);
  expect_done(run_fovea({"convert", model_, "--num-heads", "5", "-o", folder_ / "converted"}));
  EXPECT_EQ(forward({folder_ / "converted"}, "again"), want);
}

TEST_F(CliHeads, MustNotContradictTheConfig) {
  expect_refused(run_fovea({"inspect", golden_path("vit-odd"), "--num-heads", "4"}),
                 "config.json says 5 heads, --num-heads 4; expected the same");
  expect_refused(run_fovea({"bench", "vit_tiny_patch16_224", "--num-heads", "4"}),
                 "has 3 heads, --num-heads is 4; expected the same");
  expect_refused(run_fovea({"inspect", golden_path("vit-odd"), "--num-heads", "many"}),
                 "--num-heads many: expected a whole number from 1 to 1024");
}

}  // namespace
}  // namespace fovea
