// `fovea visualize` of Segment Anything's encoders: windows, pictures that fill a corner of the
// input, and who takes the big path in each window.
#include <algorithm>
#include <string>
#include <vector>

#include "fovea/backend/windows.h"
#include "fovea/data/encoders.h"
#include "fovea/data/preprocess.h"
#include "fovea/fovea.h"
#include "fovea/model/save_sam.h"
#include "fovea/model/tensors.h"
#include "fovea/model/testing.h"
#include "fovea/report/groups.h"
#include "fovea/report/principal.h"
#include "fovea/report/routes.h"
#include "tests/cli_testing.h"

namespace fovea {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Windows of 3 on 8 x 8 patches of 16 pixels, the second of 2 layers over all. The picture, 150 x
// 100, becomes 128 x 85, of which the last row of patches has 5 rows.
const std::string kModel = (test_data() / "goldens-sam" / "sam-picture").string();
const std::string kPicture = kModel + "/picture.png";
constexpr int kSide = 8;
constexpr int kGap = 12;

Image part(const Image& image, int left, int width) {
  Image cut{width, image.height, {}};
  for (int y = 0; y < image.height; ++y) {
    const auto row = image.rgb.begin() + (std::ptrdiff_t{3} * y * image.width + 3 * left);
    cut.rgb.insert(cut.rgb.end(), row, row + std::ptrdiff_t{3} * width);
  }
  return cut;
}

// As the model sees a picture, so many times as large, and what it fills of the square.
Image seen(const Model& model, const std::string& picture, int enlarged, int height) {
  Image square =
      resize_and_crop(read_image(picture), model.config().preprocessing, picture, enlarged);
  square.height = height * enlarged;
  square.rgb.resize(size_t{3} * square.width * square.height);
  return square;
}

Rgb at(const Image& image, int x, int y) {
  const uint8_t* rgb = image.rgb.data() + 3 * (static_cast<size_t>(y) * image.width + x);
  return {rgb[0], rgb[1], rgb[2]};
}

std::vector<int32_t> labels_after(const Result& result, int layer) {
  const int64_t positions = result.trace.shape[2];
  const auto first = result.trace.data.begin() + (layer - 1) * positions;
  return {first, first + positions};
}

class CliVisualizeWindows : public testing::Test {
 protected:
  std::string out(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
  const Model model_ = Model::load(kModel, {.threads = 1});
};

TEST_F(CliVisualizeWindows, DrawsGroupsInWindowsAndNoPadding) {
  const Finished done = run_fovea(
      {"visualize", kModel, kPicture, "-o", out("a.png"), "--r", "2", "--layers", "1,2", "--json"});
  expect_done(done);
  constexpr int kEnlarged = 3;  // to 384 pixels at least
  constexpr int kWidth = 128 * kEnlarged;
  const Image drawn = read_image(out("a.png"));
  EXPECT_EQ(drawn.height, 85 * kEnlarged);
  EXPECT_EQ(drawn.width, 3 * kWidth + 2 * kGap);
  const Image picture = seen(model_, kPicture, kEnlarged, 85);
  EXPECT_EQ(part(drawn, 0, kWidth).rgb, picture.rgb);

  const Result result = model_.run(model_.preprocess(kPicture),
                                   {.merge = {.schedule = {.r = 2}}, .want_trace = true});
  const std::vector<int32_t> within = labels_after(result, 1);
  const Windows windows({kSide, kSide}, 3);
  for (int i = 0; i < kSide * kSide; ++i) {
    for (int j = 0; j < i; ++j) {
      if (within[i] != within[j]) continue;
      EXPECT_EQ(windows.index_of(i / kSide, i % kSide), windows.index_of(j / kSide, j % kSide));
    }
  }
  const int patch = 16 * kEnlarged;
  const Image groups = draw_groups(picture, {kSide, kSide, within, patch, patch});
  const Image first = part(drawn, kWidth + kGap, kWidth);
  EXPECT_EQ(first.rgb, draw_windows(groups, 3 * patch, 3 * patch).rgb);
  EXPECT_NE(at(first, 3 * patch, 1), at(groups, 3 * patch, 1));
  // Over all there are none.
  const Image last = part(drawn, 2 * (kWidth + kGap), kWidth);
  EXPECT_EQ(last.rgb,
            draw_groups(picture, {kSide, kSide, labels_after(result, 2), patch, patch}).rgb);

  const json line = json::parse(done.out);
  EXPECT_EQ(line.at("patches"), 64);
  const auto count = [](std::vector<int32_t> labels) {
    std::sort(labels.begin(), labels.end());
    return std::unique(labels.begin(), labels.end()) - labels.begin();
  };
  EXPECT_EQ(line.at("groups"), json({count(within), count(labels_after(result, 2))}));
}

TEST_F(CliVisualizeWindows, ChoosesRForAFullWindow) {
  const Finished done = run_fovea({"visualize", kModel, kPicture, "-o", out("a.png"), "--json"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.err, HasSubstr("note: --r 3, as none is given"));
  EXPECT_LE(json::parse(done.out).at("groups").at(0), 64 - 3 * 4 - 3 * 4);
}

TEST_F(CliVisualizeWindows, ASheetTakesPicturesOfOtherSides) {
  Image tall{40, 80, std::vector<uint8_t>(size_t{3} * 40 * 80, 90)};
  write_file(folder_ / "tall.png", encode_png(tall));
  expect_done(
      run_fovea({"visualize", kModel, kPicture, out("tall.png"), "-o", out("a.png"), "--r", "2"}));
  constexpr int kEnlarged = 5;  // to 640
  const Image sheet = read_image(out("a.png"));
  EXPECT_EQ(sheet.width, 2 * 128 * kEnlarged + kGap);
  EXPECT_EQ(sheet.height, 85 * kEnlarged + kGap + 128 * kEnlarged);
  const int below = 85 * kEnlarged + kGap;
  EXPECT_EQ(at(sheet, 64 * kEnlarged - 1, below), (Rgb{90, 90, 90}));
  EXPECT_EQ(at(sheet, 64 * kEnlarged, below), (Rgb{255, 255, 255}));
  EXPECT_EQ(at(sheet, 2 * 64 * kEnlarged + kGap, below), (Rgb{255, 255, 255}));

  expect_done(
      run_fovea({"visualize", kModel, kPicture, out("tall.png"), "-o", out("a.apng"), "--r", "2"}));
  const Image shown = read_image(out("a.apng"));
  EXPECT_EQ(shown.height, 128 * kEnlarged);
  EXPECT_EQ(shown.width, 128 * kEnlarged + kGap + 64 * kEnlarged);
}

TEST_F(CliVisualizeWindows, PcaLeavesPaddingOut) {
  expect_done(run_fovea({"visualize", kModel, kPicture, "-o", out("a.png"), "--pca"}));
  const Image drawn = read_image(out("a.png"));
  const Array dense = dense_features(model_.run(model_.preprocess(kPicture)), 0, 0);
  Array rows({6 * kSide, dense.shape[1]});  // 85 pixels are part of 6 rows of patches
  std::copy_n(dense.data.begin(), rows.data.size(), rows.data.begin());
  const std::vector<Rgb> expected = component_colours(project(principal_components(rows, 3), rows));
  const int patch = drawn.height / 85 * 16;
  const int left = (drawn.width - kGap) / 2 + kGap;
  for (int i = 0; i < 6 * kSide; ++i) {
    const int y = i / kSide * patch;
    EXPECT_EQ(at(drawn, left + i % kSide * patch, y), expected[i]) << i;
  }
}

// 11 x 11 patches of 4 pixels in windows of 4, layers 2 and 5 over all; predictors after 1 and 3.
Architecture routed_encoder() {
  Architecture a;
  a.width = 24;
  a.depth = 5;
  a.block.heads = 2;
  a.block.mlp_width = 40;
  a.patch = {4, 4};
  a.image_size = {44, 44};
  a.over_all = {1, 4};
  a.window = 4;
  a.position_grid = a.decomposed = {11, 11};
  a.position_rows = 121;
  a.neck = 8;
  a.pooling = Pooling::average;
  Routing routing;
  routing.little_every = 1;
  routing.little_width = 8;
  routing.little_heads = 2;
  routing.little_mlp_width = 16;
  routing.predict_after = {1, 3};
  a.routing = routing;
  return a;
}

TEST_F(CliVisualizeWindows, DrawsWhoTakesTheBigPathInEachWindow) {
  const Architecture a = routed_encoder();
  VariedWeights weights;
  save_sam(folder_ / "routed", a, {}, read_weights(weights, a));
  const std::string photo = picture("photo.jpg");
  const std::string folder = out("routed");
  const Finished done =
      run_fovea({"visualize", folder, photo, "-o", out("a.png"), "--layers", "1,2,3,4", "--json"});
  expect_done(done);
  // 4 of a full window of 16, and as many of those with fewer.
  EXPECT_EQ(json::parse(done.out).at("big"), json({121, 36, 36, 36}));

  const Model model = Model::load(folder, {.threads = 1});
  const Result result = model.run(model.preprocess(photo), {.want_trace = true});
  const Image drawn = read_image(out("a.png"));
  const int enlarged = (384 + 43) / 44;
  const int width = 44 * enlarged;
  const int patch = 4 * enlarged;
  const Image shown = part(drawn, 0, width);
  const Windows windows({11, 11}, 4);
  for (const int layer : {2, 3, 4}) {
    const Image panel = part(drawn, layer * (width + kGap), width);
    const IntArray& route = result.routes.at(layer == 4 ? 3 : 1);
    const std::vector<int32_t> token = labels_after(result, layer == 4 ? 3 : 1);
    std::vector<int> selected(windows.count());
    for (int row = 0; (row + 1) * patch <= shown.height; ++row) {
      for (int column = 0; column < 11; ++column) {
        const bool is_big =
            std::ranges::find(route.data, token[row * 11 + column]) != route.data.end();
        const int x = column * patch + patch / 2;
        const int y = row * patch + patch / 2;
        EXPECT_EQ(at(panel, x, y) == at(shown, x, y), is_big)
            << layer << ' ' << row << ' ' << column;
        selected[windows.index_of(row, column)] += is_big ? 1 : 0;
      }
    }
    EXPECT_EQ(selected[0], 4);
    EXPECT_EQ(selected[1], 4);
    // A line between windows, but not in the layer over all.
    const int line = 4 * patch;
    int on_line = 0;
    for (int y = 0; y < panel.height; ++y) on_line += at(panel, line, y) == Rgb{} ? 1 : 0;
    EXPECT_EQ(on_line == panel.height, layer != 2) << layer;
  }
}

}  // namespace
}  // namespace fovea
