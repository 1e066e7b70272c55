// `fovea segment` from outside: the original predictor's masks, what is written where, embeddings
// that are kept, everything mode.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fovea/data/image.h"
#include "fovea/io/npy.h"
#include "tests/cli_segment_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

namespace fs = std::filesystem;

// The golden's prompts, as its README says, in a file of prompts.
class CliSegmentGolden : public CliSegment {
 protected:
  void SetUp() override {
    const std::vector<float> logits =
        to_floats(golden_.tensors().at("both.low_res_masks"), golden_.file_name());
    write_npy(folder_ / "both0.npy", Array({1, 32, 32}, {logits.begin(), logits.begin() + 1024}));
    write_file(folder_ / "prompts.jsonl",
               R"({"name": "point", "points": [[45, 40]]}
{"name": "points", "points": [[45, 40], [105, 20]], "labels": [1, 0]}
{"name": "box", "box": [30, 10, 120, 90]}
{"name": "both", "points": [[45, 40], [105, 20]], "labels": [1, 0], "box": [30, 10, 120, 90]}
{"name": "refine", "points": [[45, 40], [105, 20]], "labels": [1, 0], "mask": "both0.npy", "multimask": false}
)");
  }

  // Pixels where the golden's and ours differ, without those where either value is right.
  int wrong_pixels(const std::string& prompt, size_t index, const Rle& rle) const {
    const std::span<const std::byte> unsure = golden_.tensors().at(prompt + ".unsure").bytes;
    std::vector<int32_t> either(unsure.size() / sizeof(int32_t));
    std::copy_n(unsure.begin(), unsure.size(), std::as_writable_bytes(std::span(either)).begin());
    const std::set<int32_t> may_differ(either.begin(), either.end());
    const std::span<const std::byte> want = golden_.tensors().at(prompt + ".masks").bytes;
    const std::vector<uint8_t> got = decode_rle(rle);
    int wrong = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      const size_t place = index * got.size() + i;
      const bool differs = got[i] != std::to_integer<int>(want[place]);
      if (differs && !may_differ.contains(static_cast<int32_t>(place))) ++wrong;
    }
    return wrong;
  }

  const SafeTensors golden_ = SafeTensors::open(kSam / "sam-picture" / "expect.safetensors");
};

TEST_F(CliSegmentGolden, MasksAreTheOriginalPredictors) {
  const Finished done = segment({"--prompts", path("prompts.jsonl"), "--multimask", "--json"});
  EXPECT_EQ(done.err, "");
  std::map<std::string, size_t> seen;
  for (const json& mask : masks_of(done)) {
    const std::string prompt = mask.at("prompt");
    const size_t index = seen[prompt]++;
    EXPECT_EQ(mask.size(), 5U);
    const Rle rle = rle_of(mask.at("segmentation"));
    EXPECT_EQ(rle.height, kHeight);
    EXPECT_EQ(rle.width, kWidth);
    EXPECT_EQ(wrong_pixels(prompt, index, rle), 0) << prompt << " " << index;
    const std::vector<float> iou =
        to_floats(golden_.tensors().at(prompt + ".iou"), golden_.file_name());
    EXPECT_NEAR(mask.at("predicted_iou").get<double>(), iou.at(index), 2e-4);
    EXPECT_EQ(mask.at("area"), area_of(rle));
    const std::array<int, 4> box = box_of(rle);
    EXPECT_EQ(mask.at("bbox").get<std::vector<double>>(),
              std::vector<double>(box.begin(), box.end()));
  }
  const std::map<std::string, size_t> all = {
      {"both", 3}, {"box", 3}, {"point", 3}, {"points", 3}, {"refine", 1}};
  EXPECT_EQ(seen, all);
}

TEST_F(CliSegmentGolden, FlagsAreTheSamePrompts) {
  const std::vector<json> from_file =
      masks_of(segment({"--prompts", path("prompts.jsonl"), "--multimask", "--json"}));
  const std::vector<json> from_flags =
      masks_of(segment({"--point", "45,40", "--point", "105,20,0", "--box", "30,10,120,90",
                        "--multimask", "--json"}));
  ASSERT_THAT(from_flags, SizeIs(3));
  for (int m = 0; m < 3; ++m) {
    EXPECT_EQ(from_flags[m].at("prompt"), 0);
    EXPECT_EQ(from_flags[m].at("segmentation"), from_file[9 + m].at("segmentation"));
  }
}

TEST_F(CliSegment, SeveralBoxesAreAPromptEach) {
  const std::vector<std::string> points = {"--point", "45,40", "--point", "105,20,0", "--json"};
  const auto with = [&](std::vector<std::string> options) {
    options.insert(options.end(), points.begin(), points.end());
    return masks_of(segment(options));
  };
  const auto both = with({"--box", "30,10,120,90", "--box", "0,0,150,100"});
  ASSERT_THAT(both, SizeIs(2));
  EXPECT_EQ(both[0].at("prompt"), 0);
  EXPECT_EQ(both[1].at("prompt"), 1);
  const auto first = with({"--box", "30,10,120,90"});
  const auto second = with({"--box", "0,0,150,100"});
  EXPECT_EQ(both[0].at("segmentation"), first.at(0).at("segmentation"));
  EXPECT_EQ(both[1].at("segmentation"), second.at(0).at("segmentation"));
  EXPECT_NE(both[0].at("segmentation"), both[1].at("segmentation"));
}

TEST_F(CliSegment, CountsMayBeCocosString) {
  const auto plain = masks_of(segment({"--point", "45,40", "--json"}));
  const auto text = masks_of(segment({"--point", "45,40", "--json", "--rle", "compressed"}));
  ASSERT_THAT(text, SizeIs(1));
  EXPECT_TRUE(text[0].at("segmentation").at("counts").is_string());
  EXPECT_EQ(rle_of(text[0].at("segmentation")).counts, rle_of(plain[0].at("segmentation")).counts);
}

// Grey levels of a PNG.
std::vector<uint8_t> grey_of_file(const fs::path& file) {
  const Image image = read_image(file);
  std::vector<uint8_t> grey;
  for (size_t i = 0; i < image.rgb.size(); i += 3) grey.push_back(image.rgb[i]);
  return grey;
}

TEST_F(CliSegment, DrawsTheMaskOfTheBestEstimate) {
  const Finished done =
      segment({"--point", "45,40", "--multimask", "--json", "-o", path("mask.png"), "--overlay",
               path("overlay.png"), "--cutout", path("cutout.png")});
  EXPECT_EQ(done.err, "");
  const std::vector<json> masks = masks_of(done);
  ASSERT_THAT(masks, SizeIs(3));
  const json& best =
      *std::max_element(masks.begin(), masks.end(), [](const json& a, const json& b) {
        return a.at("predicted_iou").get<double>() < b.at("predicted_iou").get<double>();
      });
  const std::vector<uint8_t> pixels = decode_rle(rle_of(best.at("segmentation")));
  ASSERT_GT(std::count(pixels.begin(), pixels.end(), 1), 0);
  const std::vector<uint8_t> drawn = grey_of_file(folder_ / "mask.png");
  ASSERT_EQ(drawn.size(), pixels.size());
  const Image picture = read_image(golden_picture());
  const Image overlay = read_image(folder_ / "overlay.png");
  const Image cut = read_image(folder_ / "cutout.png", {.background = Rgb{1, 2, 3}});
  EXPECT_EQ(overlay.width, kWidth);
  EXPECT_EQ(cut.height, kHeight);
  int changed = 0;
  for (size_t i = 0; i < pixels.size(); ++i) {
    EXPECT_EQ(drawn[i], pixels[i] * 255) << i;
    for (size_t c = 0; c < 3; ++c) {
      const size_t at = 3 * i + c;
      EXPECT_EQ(cut.rgb[at], pixels[i] != 0 ? picture.rgb[at] : c + 1) << i;
    }
    changed += overlay.rgb[3 * i] != picture.rgb[3 * i] ? 1 : 0;
  }
  EXPECT_GE(changed, std::count(pixels.begin(), pixels.end(), 1) / 2);
}

TEST_F(CliSegment, SeveralPromptsAreNumbered) {
  const Finished done =
      segment({"--box", "30,10,120,90", "--box", "60,30,80,50", "--json", "-o", path("mask.png")});
  const std::vector<json> masks = masks_of(done);
  ASSERT_THAT(masks, SizeIs(2));
  const std::vector<uint8_t> drawn = grey_of_file(folder_ / "mask.png");
  const Rle first = rle_of(masks[0].at("segmentation"));
  const Rle second = rle_of(masks[1].at("segmentation"));
  const bool first_below = area_of(first) >= area_of(second);
  const std::vector<uint8_t> in_first = decode_rle(first);
  const std::vector<uint8_t> in_second = decode_rle(second);
  for (size_t i = 0; i < drawn.size(); ++i) {
    int want = in_first[i] != 0 ? 1 : 0;
    if (in_second[i] != 0 && (want == 0 || first_below)) want = 2;
    ASSERT_EQ(drawn[i], want) << i;
  }
}

TEST_F(CliSegment, SeveralPicturesGoToAFolder) {
  fs::copy_file(golden_picture(), folder_ / "a.png");
  fs::copy_file(picture("photo.jpg"), folder_ / "b.jpg");
  write_file(folder_ / "broken.png", "no picture");
  const Finished done =
      run_fovea({"segment", sam_model(), path("a.png"), path("broken.png"), path("b.jpg"),
                 "--point", "20,20", "-o", path("masks"), "--overlay", path("drawn/"), "--json"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("skipped: "));
  EXPECT_THAT(done.err, HasSubstr("broken.png"));
  EXPECT_THAT(json_lines_of(done.out), SizeIs(2));
  for (const char* name : {"masks/a.png", "masks/b.png", "drawn/a.png", "drawn/b.png"}) {
    EXPECT_TRUE(fs::exists(folder_ / name)) << name;
  }
  EXPECT_EQ(read_image(folder_ / "masks" / "b.png").width, read_image(picture("photo.jpg")).width);
}

TEST_F(CliSegment, PromptsNameTheirPictures) {
  fs::copy_file(golden_picture(), folder_ / "a.png");
  fs::copy_file(golden_picture(), folder_ / "b.png");
  write_file(folder_ / "p.json", R"([{"file": "b.png", "points": [[45, 40]]},
      {"file": "a.png", "points": [[90, 50]], "name": "x"},
      {"file": "./b.png", "box": [30, 10, 120, 90]}])");
  for (const bool named : {true, false}) {
    std::vector<std::string> arguments = {"segment", sam_model(), "--prompts", path("p.json"),
                                          "--json"};
    if (named) arguments.insert(arguments.begin() + 2, {path("b.png"), path("a.png")});
    const Finished done = run_fovea(arguments);
    expect_done(done);
    const std::vector<json> lines = json_lines_of(done.out);
    ASSERT_THAT(lines, SizeIs(2));
    EXPECT_THAT(lines[0].at("file").get<std::string>(), HasSubstr("b.png"));
    ASSERT_THAT(lines[0].at("masks"), SizeIs(2));
    EXPECT_EQ(lines[0].at("masks")[0].at("prompt"), 0);
    EXPECT_EQ(lines[0].at("masks")[1].at("prompt"), 2);
    EXPECT_EQ(lines[1].at("masks")[0].at("prompt"), "x");
  }
  expect_refused(
      run_fovea({"segment", sam_model(), path("b.png"), "--prompts", path("p.json"), "--json"}),
      "a.png: a prompt is for it, but it is none of the pictures");
}

TEST_F(CliSegment, AnEmbeddingIsThePictureAgain) {
  const Finished first = segment(
      {"--point", "45,40", "--multimask", "--json", "--save-embedding", path("e.safetensors")});
  expect_done(first);
  const SafeTensors kept = SafeTensors::open(path("e.safetensors"));
  EXPECT_THAT(kept.tensors().at("embedding").shape, ElementsAre(1, 32, 8, 8));
  const std::vector<std::string> asked = {"--point", "45,40",       "--multimask",
                                          "--json",  "--embedding", path("e.safetensors")};
  const Finished again = segment(asked);
  expect_done(again);
  EXPECT_EQ(again.out, first.out);
  std::vector<std::string> without_picture = asked;
  without_picture.insert(without_picture.begin(), {"segment", sam_model()});
  const Finished alone = run_fovea(without_picture);
  expect_done(alone);
  EXPECT_EQ(alone.out, first.out);
  // Kept without a question.
  expect_done(segment({"--save-embedding", path("f.safetensors")}));
  EXPECT_EQ(read_all(path("f.safetensors")), read_all(path("e.safetensors")));
}

TEST_F(CliSegment, OtherSizesGiveOtherMasksOfTheSamePicture) {
  const auto usual = masks_of(segment({"--point", "45,40", "--json"}));
  const auto larger = masks_of(segment({"--point", "45,40", "--json", "--size", "192"}));
  EXPECT_EQ(usual[0].at("segmentation").at("size"), larger[0].at("segmentation").at("size"));
  EXPECT_NE(usual[0].at("predicted_iou"), larger[0].at("predicted_iou"));
  EXPECT_EQ(masks_of(segment({"--point", "45,40", "--json", "--size", "128"})), usual);
}

TEST_F(CliSegment, TransformersFolderRuns) {
  const Finished done = run_fovea({"segment", sam_model("sam-transformers-names"), golden_picture(),
                                   "--point", "45,40", "--multimask", "--json"});
  EXPECT_EQ(done.err, "");
  EXPECT_THAT(masks_of(done), SizeIs(3));
}

const std::vector<std::string> kEverything = {"--everything",
                                              "--points-per-side",
                                              "6",
                                              "--pred-iou-thresh",
                                              "0",
                                              "--stability-score-thresh",
                                              "0"};

TEST_F(CliSegment, EverythingGivesCocosList) {
  fs::copy_file(golden_picture(), folder_ / "000000000139.png");
  fs::copy_file(golden_picture(), folder_ / "000000000285.png");
  std::vector<std::string> arguments = {
      "segment", sam_model(),       path("000000000285.png"), path("000000000139.png"),
      "-o",      path("masks.json")};
  arguments.insert(arguments.end(), kEverything.begin(), kEverything.end());
  expect_done(run_fovea(arguments));
  const json list = json::parse(read_all(path("masks.json")));
  ASSERT_TRUE(list.is_array());
  ASSERT_GE(list.size(), 2U);
  ASSERT_EQ(list.size() % 2, 0U);
  double before = 2;
  for (size_t i = 0; i < list.size() / 2; ++i) {
    const json& mask = list[i];
    EXPECT_EQ(mask.size(), 8U);
    EXPECT_EQ(mask.at("image_id"), 285);
    EXPECT_EQ(mask.at("file_name"), "000000000285.png");
    EXPECT_EQ(mask.at("category_id"), 1);
    const Rle rle = rle_of(mask.at("segmentation"));
    EXPECT_TRUE(mask.at("segmentation").at("counts").is_string());
    EXPECT_EQ(mask.at("area"), area_of(rle));
    EXPECT_EQ(mask.at("bbox").size(), 4U);
    EXPECT_LE(mask.at("score").get<double>(), before);
    before = mask.at("score");
    EXPECT_GE(mask.at("stability_score").get<double>(), 0);
    EXPECT_EQ(list[list.size() / 2 + i].at("image_id"), 139);
    EXPECT_EQ(list[list.size() / 2 + i].at("segmentation"), mask.at("segmentation"));
  }
}

TEST_F(CliSegment, EverythingGivesALabelMap) {
  std::vector<std::string> options = kEverything;
  options.insert(options.end(), {"-o", path("labels.png"), "--json", "--overlay", path("o.png")});
  const std::vector<json> masks = masks_of(segment(options));
  ASSERT_FALSE(masks.empty());
  const std::string png = read_all(path("labels.png"));
  EXPECT_EQ(png.at(24), 16);  // bits of a channel
  EXPECT_EQ(png.at(25), 0);   // grey
  const std::vector<uint8_t> labels = grey_of_file(folder_ / "labels.png");
  const auto numbers = static_cast<int>(masks.size());
  EXPECT_LE(*std::max_element(labels.begin(), labels.end()), numbers);
  // The smallest lies on top.
  const auto smallest =
      std::min_element(masks.begin(), masks.end(), [](const json& a, const json& b) {
        return a.at("area").get<int>() < b.at("area").get<int>();
      });
  const std::vector<uint8_t> pixels = decode_rle(rle_of(smallest->at("segmentation")));
  for (size_t i = 0; i < pixels.size(); ++i) {
    if (pixels[i] != 0) {
      ASSERT_EQ(labels[i], smallest - masks.begin() + 1) << i;
    }
  }
  EXPECT_TRUE(fs::exists(folder_ / "o.png"));
}

}  // namespace
}  // namespace fovea
