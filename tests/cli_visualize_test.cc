// `fovea visualize` from outside: what it writes where, and what it refuses.
#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "fovea/data/image.h"
#include "fovea/data/preprocess.h"
#include "fovea/data/testing.h"
#include "fovea/fovea.h"
#include "fovea/report/principal.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class CliVisualize : public testing::Test {
 protected:
  Finished visualize(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"visualize", model_});
    return run_fovea(arguments);
  }
  std::string out(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
  const std::string model_ = golden_path("vit");  // 3 layers, inputs of 48 x 48, patches of 8 x 8
  const std::string photo_ = picture("photo.jpg");
};

TEST_F(CliVisualize, PutsTheDrawingBesideThePicture) {
  const Finished done = visualize({photo_, "-o", out("a.png"), "--r", "2"});
  expect_done(done);
  EXPECT_THAT(done.out, testing::MatchesRegex(".*/photo\\.jpg: 36 patches, 30 groups after "
                                              "layer 3: .*/a\\.png\n"));
  const Image drawn = read_image(out("a.png"));
  EXPECT_EQ(drawn.height, 672);
  EXPECT_EQ(drawn.width, 2 * 672 + 12);
  Preprocessing spec = read_config(model_).preprocessing;
  spec.height = spec.width = 48;
  const Image seen = resize_and_crop(read_image(photo_), spec, photo_, 14);
  EXPECT_EQ(part(drawn, 0, 0, 672, 672).rgb, seen.rgb);
  EXPECT_NE(part(drawn, 684, 0, 672, 672).rgb, seen.rgb);
}

TEST_F(CliVisualize, DrawsAPanelForEachLayer) {
  const Finished done =
      visualize({photo_, "-o", out("a.png"), "--r", "2", "--layers", "1,2", "--json"});
  expect_done(done);
  const json line = json::parse(done.out);
  EXPECT_EQ(line.size(), 5U);
  EXPECT_EQ(line.at("file"), photo_);
  EXPECT_EQ(line.at("output"), out("a.png"));
  EXPECT_EQ(line.at("patches"), 36);
  EXPECT_EQ(line.at("layers"), json({1, 2}));
  EXPECT_EQ(line.at("groups"), json({34, 32}));
  const Image drawn = read_image(out("a.png"));
  EXPECT_EQ(drawn.height, 384);
  EXPECT_EQ(drawn.width, 3 * 384 + 2 * 12);
}

TEST_F(CliVisualize, NothingMergedIsEveryPatchByItself) {
  const Finished done = visualize({photo_, "-o", out("a.png"), "--r", "0", "--json"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.err, HasSubstr("note: nothing merged"));
  EXPECT_THAT(json::parse(done.out).at("groups"), ElementsAre(36));
}

TEST_F(CliVisualize, ChoosesRWhereNoneIsGiven) {
  const Finished done = visualize({photo_, "-o", out("a.png"), "--size", "64", "--json"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.err, StartsWith("note: --r "));
  const json line = json::parse(done.out);
  EXPECT_EQ(line.at("patches"), 64);
  EXPECT_EQ(line.at("groups").at(0), 16);
}

TEST_F(CliVisualize, TakesInputsThatAreNoSquares) {
  expect_done(visualize({photo_, "-o", out("a.png"), "--size", "32x48", "--r", "2"}));
  const Image drawn = read_image(out("a.png"));
  EXPECT_EQ(drawn.height, 14 * 32);
  EXPECT_EQ(drawn.width, 2 * 14 * 48 + 12);
}

TEST_F(CliVisualize, ASheetHasARowForEachPicture) {
  const Finished done =
      visualize({photo_, picture("gray.png"), "-o", out("a.png"), "--r", "2", "--batch", "1"});
  expect_done(done);
  EXPECT_EQ(lines_of(done.out).size(), 2U);
  const Image sheet = read_image(out("a.png"));
  EXPECT_EQ(sheet.height, 2 * 672 + 12);
  expect_done(visualize({picture("gray.png"), "-o", out("b.png"), "--r", "2"}));
  EXPECT_EQ(part(sheet, 0, 684, sheet.width, 672).rgb, read_image(out("b.png")).rgb);
}

TEST_F(CliVisualize, AFolderGetsAFileForEachPicture) {
  std::filesystem::create_directory(folder_ / "in");
  std::filesystem::copy_file(photo_, folder_ / "in" / "photo.jpg");
  const Finished done = visualize({photo_, picture("gray.png"), picture("gray.jpg"), out("in"),
                                   "-o", out("new/"), "--r", "2", "--json"});
  expect_done(done);
  std::vector<std::string> files;
  for (const json& line : json_lines_of(done.out)) files.push_back(line.at("output"));
  EXPECT_THAT(files, ElementsAre(out("new/photo.png"), out("new/gray.png"), out("new/gray-2.png"),
                                 out("new/photo-2.png")));
  for (const std::string& file : files) EXPECT_EQ(read_image(file).height, 672);
  expect_done(visualize({photo_, "-o", out("new"), "--r", "2", "--animate"}));
  EXPECT_THAT(read_all(out("new/photo.gif")), StartsWith("GIF89a"));
}

TEST_F(CliVisualize, AnimatesByTheEndingOfTheName) {
  expect_done(visualize({photo_, "-o", out("a.gif"), "--r", "2"}));
  EXPECT_THAT(read_all(out("a.gif")), StartsWith("GIF89a"));
  expect_done(visualize({photo_, "-o", out("a.apng"), "--r", "2"}));
  EXPECT_THAT(read_all(out("a.apng")), HasSubstr("acTL"));
  expect_done(visualize({photo_, "-o", out("b.png"), "--r", "2", "--animate"}));
  EXPECT_EQ(read_all(out("b.png")), read_all(out("a.apng")));
  EXPECT_EQ(read_image(out("b.png")).width, 672);
  expect_done(visualize({photo_, photo_, "-o", out("two.PNG"), "--r", "2", "--animate"}));
  EXPECT_EQ(read_image(out("two.PNG")).width, 2 * 672 + 12);
}

// 5 layers, routed after the first; predictors after 1 and 3.
TEST_F(CliVisualize, DrawsTheRoutesOfABigLittleModel) {
  const std::string routed = golden_path("blvit-every-layer");
  const Finished done = run_fovea({"visualize", routed, photo_, "-o", out("a.png"), "--json"});
  expect_done(done);
  const json line = json::parse(done.out);
  EXPECT_EQ(line.at("layers"), json({2, 4}));
  EXPECT_EQ(line.at("big"), json({9, 9}));
  EXPECT_EQ(line.at("groups"), json({36, 36}));
  const Image drawn = read_image(out("a.png"));
  EXPECT_EQ(drawn.width, 4 * 384 + 3 * 12) << "the picture, two routes and how often";
  // A quarter of a route's panel is the picture itself.
  const Image seen = part(drawn, 0, 0, 384, 384);
  const Image route = part(drawn, 396, 0, 384, 384);
  int64_t same = 0;
  for (size_t i = 0; i < seen.rgb.size(); i += 3) {
    same += std::equal(seen.rgb.begin() + i, seen.rgb.begin() + i + 3, route.rgb.begin() + i);
  }
  EXPECT_NEAR(static_cast<double>(same) / (384 * 384), 0.25, 0.02);

  const Finished all = run_fovea({"visualize", routed, photo_, "-o", out("b.png"), "--layers",
                                  "1,2,5", "--keep-ratio", "0.5", "--r", "3", "--json"});
  expect_done(all);
  const json merged = json::parse(all.out);
  EXPECT_EQ(merged.at("big").at(0), 36) << "a plain layer";
  EXPECT_GE(merged.at("big").at(1), 16);
  EXPECT_EQ(merged.at("groups"), json({33, 30, 21}));
  EXPECT_EQ(read_image(out("b.png")).width, 5 * 384 + 4 * 12);

  const Finished text = run_fovea({"visualize", routed, photo_, "-o", out("c.apng")});
  expect_done(text);
  EXPECT_THAT(text.out, HasSubstr("36 patches, 9 9 9 9 on the big path in layer 2 3 4 5: "));
}

TEST_F(CliVisualize, GoesOnPastBrokenPictures) {
  write_file(folder_ / "broken.png", "this is text");
  const Finished done = visualize({out("broken.png"), photo_, "-o", out("a.png"), "--r", "2"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("broken.png: no picture; expected JPEG"));
  EXPECT_EQ(read_image(out("a.png")).height, 672);
}

TEST_F(CliVisualize, NothingIsWrittenWhereNothingCouldBeRead) {
  write_file(folder_ / "broken.png", "this is text");
  expect_refused(visualize({out("broken.png"), "-o", out("a.png"), "--r", "2"}),
                 "broken.png: no picture; expected JPEG");
  EXPECT_EQ(folder_.count(), 1U);
}

TEST_F(CliVisualize, NeverOverwritesAPictureThatItReads) {
  std::filesystem::copy_file(picture("gray.png"), folder_ / "gray.png");
  const std::string before = read_all(out("gray.png"));
  expect_refused(visualize({out("gray.png"), "-o", out("gray.png"), "--r", "2"}),
                 "would overwrite the picture");
  expect_refused(visualize({out("gray.png"), "-o", folder_.path(), "--r", "2"}),
                 "would overwrite the picture");
  EXPECT_EQ(read_all(out("gray.png")), before);
  EXPECT_EQ(folder_.count(), 1U);
}

struct Refusal {
  std::string name;
  std::vector<std::string> arguments;
  std::string fragment;
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

class CliVisualizeRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(CliVisualizeRefuses, InOneLine) {
  const TemporaryFolder folder;
  std::vector<std::string> arguments = {"visualize", golden_path("vit"), "--r", "2"};
  for (std::string argument : GetParam().arguments) {
    const size_t at = argument.find("OUT");
    if (at != std::string::npos) argument.replace(at, 3, folder.path());
    arguments.push_back(argument);
  }
  expect_refused(run_fovea(arguments), GetParam().fragment);
  EXPECT_EQ(folder.count(), 0U);
}

const std::string kPhoto = picture("photo.jpg");

INSTANTIATE_TEST_SUITE_P(
    All, CliVisualizeRefuses,
    testing::Values(
        Refusal{
            "LayerZero", {kPhoto, "-o", "OUT/a.png", "--layers", "0,1"}, "--layers 0: expected"},
        Refusal{"LayerBeyondDepth",
                {kPhoto, "-o", "OUT/a.png", "--layers", "1,99"},
                "--layers 99: expected a whole number from 1 to"},
        Refusal{"LayersNotAscending",
                {kPhoto, "-o", "OUT/a.png", "--layers", "2,1"},
                "--layers 2,1: expected ascending layers"},
        Refusal{"LayerTwice",
                {kPhoto, "-o", "OUT/a.png", "--layers", "1,1"},
                "--layers 1,1: expected ascending layers"},
        Refusal{
            "LayersEmpty", {kPhoto, "-o", "OUT/a.png", "--layers", "1,"}, "--layers : expected"},
        Refusal{"NoPicture", {"none.jpg", "-o", "OUT/a.png"}, "none.jpg: no such file"},
        Refusal{"WrongEnding",
                {kPhoto, "-o", "OUT/a.jpg"},
                "a.jpg: expected a name that ends in .png, .gif or .apng, a folder"},
        Refusal{"NoEnding", {kPhoto, "-o", "OUT/a"}, "expected a name that ends in .png"},
        Refusal{"NoFolder", {kPhoto, "-o", "OUT/none/a.png"}, "there is no folder"},
        Refusal{"NoFolderForAFolder", {kPhoto, "-o", "OUT/none/a/"}, "there is no folder"},
        Refusal{"FileForAFolder",
                {kPhoto, "-o", kPhoto + "/"},
                "photo.jpg/: expected a folder, found a file"},
        Refusal{"NoOutput", {kPhoto}, "--output"},
        Refusal{"SizeNoMultiple", {kPhoto, "-o", "OUT/a.png", "--size", "33"}, "--size 33"},
        Refusal{"TooLarge",
                {kPhoto, kPhoto, "-o", "OUT/a.png", "--size", "8192"},
                "name a folder for a file of each"},
        Refusal{"KeepRatioOfAPlainModel",
                {kPhoto, "-o", "OUT/a.png", "--keep-ratio", "0.5"},
                "keep ratio 0.5: the model is no big.LITTLE ViT"},
        Refusal{"UnknownMetric", {kPhoto, "-o", "OUT/a.png", "--metric", "z"}, "z"}),
    [](const auto& info) { return info.param.name; });

// 51 x 55 pixels in patches of 8: what fills none is no part of the picture.
TEST_F(CliVisualize, LeavesOutAMarginThatFillsNoPatch) {
  const TemporaryFolder model;
  std::filesystem::copy(kGoldens / "vit" / "model.safetensors", model / "model.safetensors");
  json config = json::parse(read_text(kGoldens / "vit" / "config.json"));
  config["pretrained_cfg"]["input_size"] = {3, 51, 55};
  write_file(model / "config.json", config.dump());
  for (const std::string what : {"--r=2", "--pca"}) {
    expect_done(run_fovea({"visualize", model.path().string(), photo_, "-o", out("a.png"), what}));
    const Image drawn = read_image(out("a.png"));
    EXPECT_EQ(drawn.height, 48 * 12) << what;
    EXPECT_EQ(drawn.width, 2 * 48 * 12 + 12) << what;
    Preprocessing spec = read_config(model_).preprocessing;
    spec.height = 51;
    spec.width = 55;
    const Image whole = resize_and_crop(read_image(photo_), spec, photo_, 12);
    EXPECT_EQ(part(drawn, 0, 0, 576, 576).rgb, part(whole, 0, 0, 576, 576).rgb) << what;
  }
}

// Of a panel of blocks of one colour, those colours row by row; none where a block has several.
std::vector<Rgb> blocks_of(const Image& panel, int side) {
  std::vector<Rgb> colours;
  const int size = panel.width / side;
  for (int y = 0; y < panel.height; ++y) {
    for (int x = 0; x < panel.width; ++x) {
      const uint8_t* at = panel.rgb.data() + 3 * (static_cast<size_t>(y) * panel.width + x);
      const Rgb colour = {at[0], at[1], at[2]};
      const size_t block = static_cast<size_t>(y / size) * side + x / size;
      if (block == colours.size()) colours.push_back(colour);
      if (colours[block] != colour) return {};
    }
  }
  return colours;
}

TEST_F(CliVisualize, PcaShowsComponentsOfFeaturesOfAllPictures) {
  const std::string other = picture("gray.png");
  const Finished done = visualize({photo_, other, "-o", out("a.png"), "--pca", "--json"});
  expect_done(done);
  const Model model = Model::load(model_, {.threads = 1});
  Array rows({0, model.architecture().width});
  for (const std::string& file : {photo_, other}) {
    const Array dense = dense_features(model.run(model.preprocess(file)), 0, 1);
    rows.data.insert(rows.data.end(), dense.data.begin(), dense.data.end());
  }
  rows.shape[0] = 72;
  const PrincipalComponents components = principal_components(rows, 3);
  const std::vector<Rgb> expected = component_colours(project(components, rows));
  const Image drawn = read_image(out("a.png"));
  std::vector<Rgb> colours = blocks_of(part(drawn, 684, 0, 672, 672), 6);
  const std::vector<Rgb> second = blocks_of(part(drawn, 684, 684, 672, 672), 6);
  colours.insert(colours.end(), second.begin(), second.end());
  EXPECT_EQ(colours, expected);
  const std::string first_line = done.out.substr(0, done.out.find('\n'));
  const json line = json::parse(first_line);
  EXPECT_EQ(line["patches"], 36);
  EXPECT_EQ(line["layers"], json::array());
  ASSERT_EQ(line["variance"][0].size(), 3U);
  EXPECT_NEAR(line["variance"][0][0].get<double>(), components.shares[0], 1e-5);
}

TEST_F(CliVisualize, PcaShowsWhatLeavesALayerAndMergedTokensAlike) {
  const Finished done =
      visualize({photo_, "-o", out("a.png"), "--pca", "--layers", "1,3", "--r", "12", "--json"});
  expect_done(done);
  const Image drawn = read_image(out("a.png"));
  const int side = drawn.height;
  const std::vector<Rgb> first = blocks_of(part(drawn, side + 12, 0, side, side), 6);
  const std::vector<Rgb> last = blocks_of(part(drawn, 2 * (side + 12), 0, side, side), 6);
  ASSERT_EQ(first.size(), 36U);
  ASSERT_EQ(last.size(), 36U);
  EXPECT_NE(first, last);
  // 36 patches less 12, 12 and 6 are one colour each at most.
  EXPECT_LE(std::set<Rgb>(last.begin(), last.end()).size(), 6U);
  EXPECT_LE(std::set<Rgb>(first.begin(), first.end()).size(), 24U);
  EXPECT_EQ(json::parse(done.out)["layers"], json({1, 3}));
}

}  // namespace
}  // namespace fovea
