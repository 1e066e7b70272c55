// `fovea forward --prompts`: the goldens of Segment Anything from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fovea/io/npy.h"
#include "tests/cli_testing.h"
#include "tests/goldens.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CliForwardPrompts : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  // The golden's first point, and its box with a mask, as a file of prompts.
  void write_prompts() const {
    write_npy(folder_ / "mask.npy", Array({1, 32, 32}, read_array(want_, "mask_input").data));
    write_file(folder_ / "p.json", R"([
        {"name": "point", "points": [[38.4, 51.2]], "multimask": true},
        {"name": "mask", "mask": "mask.npy", "multimask": true},
        {"name": "refine", "points": [[38.4, 51.2], [89.6, 25.6]], "labels": [1, 0],
         "mask": "mask.npy"},
        {"box": [25.6, 12.8, 102.4, 115.2], "multimask": true}])");
  }
  // The prompt's answer to both images of a batch against the golden's to one.
  static void expect_answer(const Array& got, const Array& want) {
    const int64_t each = elements(got.shape) / 2;
    ASSERT_EQ(each, elements(want.shape));
    for (const int64_t image : {0, 1}) {
      const auto first = got.data.begin() + image * each;
      EXPECT_LE(relative_error(Array(want.shape, {first, first + each}), want), 2e-4);
    }
  }

  TemporaryFolder folder_;
  const std::filesystem::path golden_ = test_data() / "goldens-sam" / "sam";
  const SafeTensors want_ = SafeTensors::open(golden_ / "expect.safetensors");
};

TEST_F(CliForwardPrompts, AnswersAreTheGoldens) {
  write_prompts();
  Array input = read_array(want_, "normalised");
  input.data.insert(input.data.end(), input.data.begin(), input.data.end());
  input.shape[0] = 2;
  write_npy(folder_ / "two.npy", input);
  expect_done(run_fovea({"forward", golden_.string(), "--input", path("two.npy"), "--prompts",
                         path("p.json"), "-o", path("out.safetensors")}));
  const SafeTensors out = SafeTensors::open(path("out.safetensors"));
  EXPECT_THAT(out.tensors().at("embedding").shape, ElementsAre(2, 32, 8, 8));
  EXPECT_THAT(out.tensors().at("refine.low_res_masks").shape, ElementsAre(2, 1, 32, 32));
  EXPECT_THAT(out.tensors().at("3.iou").shape, ElementsAre(2, 3));
  const std::pair<const char*, const char*> kNames[] = {
      {"point", "point"}, {"mask", "mask"}, {"refine", "refine"}, {"3", "box"}};
  for (const auto& [ours, theirs] : kNames) {
    SCOPED_TRACE(ours);
    const std::string us = ours;
    const std::string them = theirs;
    const std::string masks = ".low_res_masks";
    expect_answer(read_array(out, us + masks), read_array(want_, them + masks));
    expect_answer(read_array(out, us + ".iou"), read_array(want_, them + ".iou"));
  }
}

TEST_F(CliForwardPrompts, RefusesWhatIsNoQuestion) {
  const std::string input = path("input.npy");
  write_npy(input, read_array(want_, "normalised"));
  const auto refused = [&](const std::string& model, const std::string& prompts,
                           const std::string& fragment) {
    write_file(folder_ / "p.json", prompts);
    expect_refused(run_fovea({"forward", model, "--input", input, "--prompts", path("p.json"), "-o",
                              path("out.safetensors")}),
                   fragment);
  };
  refused(golden_.string(), R"([{"name": "a", "points": [[128, 5]]}])",
          "p.json: prompt a: the point 128,5 lies outside of the picture of 128 x 128");
  refused(golden_.string(), R"([{"file": "a.png", "points": [[12, 5]]}])",
          "a prompt is for the picture");
  refused(golden_path("vit"), R"([{"points": [[12, 5]]}])", "is no Segment Anything");
}

}  // namespace
}  // namespace fovea
