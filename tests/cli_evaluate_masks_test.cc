// fovea evaluate --prompt-kinds: masks of Segment Anything against true ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "fovea/data/encoders.h"
#include "fovea/data/segmented.h"
#include "fovea/report/mask_scores.h"
#include "fovea/segmenter.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;

const std::filesystem::path kModel = test_data() / "goldens-sam" / "sam-picture";

// The golden's picture, and two people's maps of it: a left and a right half, and four stripes with
// one dot in another value.
class CliEvaluateMasksTest : public testing::Test {
 protected:
  CliEvaluateMasksTest() {
    std::filesystem::copy_file(kModel / "picture.png", folder_ / "a.png");
    const Image picture = read_image(folder_ / "a.png");
    write_map("a-0.png", picture, [&](int x, int) { return 2 * x < picture.width ? 1 : 2; });
    write_map("a-1.png", picture, [&](int x, int y) { return x == 5 && y == 5 ? 9 : y / 25; });
  }

  void write_map(const std::string& name, const Image& picture, const auto& value) const {
    Image map{picture.width, picture.height, {}};
    for (int y = 0; y < map.height; ++y) {
      for (int x = 0; x < map.width; ++x) {
        map.rgb.insert(map.rgb.end(), 3, static_cast<uint8_t>(value(x, y)));
      }
    }
    write_file(folder_ / name, encode_png(map));
  }

  Finished run(std::vector<std::string> options) const {
    options.insert(options.begin(), {"evaluate", kModel.string(), folder_.path().string()});
    return run_fovea(options);
  }

  TemporaryFolder folder_;
};

TEST_F(CliEvaluateMasksTest, PrintsTheScoresOfWhatTheSegmenterAnswers) {
  const Segmenter segmenter = Segmenter::load(kModel);
  const auto pictures = open_segmented(folder_.path());
  const SegmentedPicture picture = read_segmented(*pictures, 0);
  const EncodedPicture encoded = segmenter.encode(picture.image);
  MaskScores scores({.kinds = {PromptKind::box, PromptKind::point}, .seed = 4});
  scores.add(0, picture.masks, [&](std::span<const Prompt> prompts) {
    std::vector<MaskAnswer> answers;
    for (PromptMasks& found : segmenter.ask(encoded, prompts)) {
      answers.push_back({std::move(found.masks), std::move(found.iou)});
    }
    return answers;
  });

  const Finished finished = run({"--prompt-kinds", "box,point", "--prompt-seed", "4", "--json"});
  expect_done(finished);
  const nlohmann::json line = json_lines_of(finished.out).at(0);
  EXPECT_EQ(line["images"], 1);
  EXPECT_EQ(line["masks"], 6) << "one segment has a pixel only";
  ASSERT_EQ(line["kinds"].size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    const MaskScores::OfKind& kind = scores.kinds()[i];
    const nlohmann::json& printed = line["kinds"][i];
    EXPECT_EQ(printed["kind"], name_of(kind.kind));
    EXPECT_DOUBLE_EQ(printed["miou"], kind.iou.mean_by_estimate());
    EXPECT_DOUBLE_EQ(printed["best_miou"], kind.iou.mean_best());
    EXPECT_DOUBLE_EQ(printed["ap"], kind.precision.average());
    EXPECT_LE(printed["miou"], printed["best_miou"]);
    EXPECT_GT(printed["best_miou"], 0);
  }
  EXPECT_GT(line["encoder_ms"], 0);
  EXPECT_GT(line["gflops_per_image"], 0);
  EXPECT_GT(line["prompt_ms"], 0);
}

TEST_F(CliEvaluateMasksTest, PrintsALineForEachKind) {
  const Finished finished = run({"--prompt-kinds", "point,points3,box", "--least-area", "0"});
  expect_done(finished);
  EXPECT_THAT(finished.out, HasSubstr("masks         7\n"));
  for (const char* kind : {"\npoint ", "\npoints3 ", "\nbox "}) {
    EXPECT_THAT(finished.out, HasSubstr(kind));
  }
}

TEST_F(CliEvaluateMasksTest, GoesOnWithoutAPictureThatIsNone) {
  write_file(folder_ / "b.png", "none");
  std::filesystem::copy_file(folder_ / "a-0.png", folder_ / "b-0.png");
  const Finished finished = run({"--prompt-kinds", "box", "--json"});
  EXPECT_EQ(finished.status, 1);
  EXPECT_THAT(finished.err, HasSubstr("fovea: skipped: "));
  EXPECT_THAT(finished.err, HasSubstr("b.png"));
  EXPECT_EQ(json_lines_of(finished.out).at(0)["images"], 1);
}

TEST_F(CliEvaluateMasksTest, RefusesWhatDoesNotGoWithIt) {
  expect_refused(run({"--prompt-kinds", "dot"}), "--prompt-kinds dot: expected point, points3");
  expect_refused(run({"--prompt-kinds", "box", "--classes", "number"}),
                 "--classes: does not go with --prompt-kinds");
  expect_refused(run({"--prompt-kinds", "box", "--prompt-seed", "-1"}), "--prompt-seed");
  expect_refused(run_fovea({"evaluate", kModel.string(), kModel.string(), "--prompt-kinds", "box"}),
                 "no pictures with masks");
  expect_refused(
      run_fovea({"evaluate", golden_path("vit"), folder_.path().string(), "--prompt-kinds", "box"}),
      "vit");
}

}  // namespace
}  // namespace fovea
