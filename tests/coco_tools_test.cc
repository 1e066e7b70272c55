// Masks and scores against COCO's own tools, where Python has them: pycocotools.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/io/random.h"
#include "fovea/io/testing.h"
#include "fovea/report/instance_precision.h"
#include "fovea/segment/polygon.h"
#include "tests/subprocess.h"

namespace fovea {
namespace {

using nlohmann::json;

// What a script prints; skips the test where Python or pycocotools is not there.
class CocoToolsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (run("import pycocotools.mask, pycocotools.cocoeval").status != 0) {
      GTEST_SKIP() << "python3 has no pycocotools";
    }
  }

  Finished run(const std::string& script) const {
    return run_program("/usr/bin/env", {"python3", "-c", script});
  }
  // Runs a script that begins with reading what `given` is into `x`.
  json answer(const json& given, const std::string& script) const {
    write_file(folder_ / "given.json", given.dump());
    const Finished finished = run("import json, sys\nx = json.load(open('" +
                                  (folder_ / "given.json").string() + "'))\n" + script);
    EXPECT_EQ(finished.status, 0) << finished.err;
    const size_t last = finished.out.rfind('\n', finished.out.size() - 2);
    return json::parse(finished.out.substr(last == std::string::npos ? 0 : last + 1));
  }

  TemporaryFolder folder_;
};

json compressed(const Rle& rle) {
  return {{"size", {rle.height, rle.width}}, {"counts", compressed_counts(rle)}};
}

TEST_F(CocoToolsTest, DrawPolygonsAlike) {
  constexpr int kHeight = 37;
  constexpr int kWidth = 53;
  Random random(1);
  json polygons;
  std::vector<Rle> masks;
  for (int i = 0; i < 500; ++i) {
    std::vector<double> corners;
    const int64_t count = 3 + random.below(8);
    for (int64_t corner = 0; corner < count; ++corner) {
      // Some beside the picture, some at whole pixels, some twice.
      double x = random.uniform(-6, kWidth + 6);
      double y = random.uniform(-6, kHeight + 6);
      if (i % 3 == 0) {
        x = std::round(x);
        y = std::round(y);
      }
      corners.insert(corners.end(), {x, y});
      if (i % 5 == 0) corners.insert(corners.end(), {x, y});
    }
    polygons.push_back(corners);
    masks.push_back(mask_of_polygon(corners, kHeight, kWidth));
  }
  const json theirs = answer({{"polygons", polygons}}, R"(
import pycocotools.mask as m
print(json.dumps([m.frPyObjects([p], 37, 53)[0]['counts'].decode() for p in x['polygons']]))
)");
  for (size_t i = 0; i < masks.size(); ++i) {
    EXPECT_EQ(compressed_counts(masks[i]), theirs[i]) << i << ": " << polygons[i];
  }
  json pairs;
  std::vector<Rle> unions;
  for (size_t i = 0; i + 2 < masks.size(); i += 3) {
    unions.push_back(united(std::array{masks[i], masks[i + 1], masks[i + 2]}));
    pairs.push_back({compressed(masks[i]), compressed(masks[i + 1]), compressed(masks[i + 2])});
  }
  const json merged = answer({{"masks", pairs}}, R"(
import pycocotools.mask as m
print(json.dumps([m.merge(p)['counts'].decode() for p in x['masks']]))
)");
  for (size_t i = 0; i < unions.size(); ++i) {
    EXPECT_EQ(compressed_counts(unions[i]), merged[i]) << i;
  }
}

// A random box within 40 x 40 pixels, or one near `like`.
Rle random_box(Random& random, const Rle* like = nullptr) {
  constexpr int kSide = 40;
  const std::array<int, 4> box = like == nullptr ? std::array<int, 4>{} : box_of(*like);
  const auto draw = [&](int64_t around, int64_t least, int64_t most) {
    if (like == nullptr) return least + random.below(most - least);
    return std::clamp<int64_t>(around + random.below(3) - 1, least, most);
  };
  const int64_t left = draw(box[0], 0, 25);
  const int64_t top = draw(box[1], 0, 25);
  const int64_t width = draw(box[2], 2, 14);
  const int64_t height = draw(box[3], 2, 14);
  std::vector<uint8_t> mask(kSide * kSide);
  for (int64_t y = top; y < top + height; ++y) {
    for (int64_t x = left; x < left + width; ++x) mask[y * kSide + x] = 1;
  }
  return encode_rle(mask, kSide, kSide);
}

TEST_F(CocoToolsTest, ScoreAlike) {
  constexpr int kPictures = 12;
  constexpr int kCategories = 3;
  for (const int least_area : {0, 60}) {
    Random random({7, static_cast<uint64_t>(least_area)});
    InstancePrecision ours(least_area);
    json images, annotations, results;
    for (int picture = 0; picture < kPictures; ++picture) {
      images.push_back({{"id", picture + 1}, {"height", 40}, {"width", 40}});
      for (int category = 0; category < kCategories; ++category) {
        std::vector<Truth> there;
        std::vector<Detection> found;
        for (int64_t i = random.below(6); i > 0; --i) {
          there.push_back({random_box(random), random.chance(0.2)});
        }
        for (int64_t i = random.below(picture == 0 ? 160 : 8); i > 0; --i) {
          const bool is_near = !there.empty() && random.chance(0.9);
          const Truth* like =
              is_near ? &there[random.below(static_cast<int64_t>(there.size()))] : nullptr;
          // Few scores, so that many are equal.
          found.push_back({random_box(random, like != nullptr ? &like->mask : nullptr),
                           static_cast<double>(random.below(10) + (is_near ? 8 : 0)) / 20});
        }
        ours.add(category, found, there);
        for (const Truth& truth : there) {
          annotations.push_back({{"id", annotations.size() + 1},
                                 {"image_id", picture + 1},
                                 {"category_id", category + 1},
                                 {"segmentation", compressed(truth.mask)},
                                 {"area", area_of(truth.mask)},
                                 {"bbox", box_of(truth.mask)},
                                 {"iscrowd", truth.crowd ? 1 : 0}});
        }
        for (const Detection& detection : found) {
          results.push_back({{"image_id", picture + 1},
                             {"category_id", category + 1},
                             {"segmentation", compressed(detection.mask)},
                             {"score", detection.score}});
        }
      }
    }
    json categories;
    for (int i = 1; i <= kCategories; ++i) {
      categories.push_back({{"id", i}, {"name", std::to_string(i)}});
    }
    const json theirs = answer({{"truth",
                                 {{"info", json::object()},
                                  {"images", images},
                                  {"annotations", annotations},
                                  {"categories", categories}}},
                                {"results", results},
                                {"least", least_area}},
                               R"(
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
truth = COCO()
truth.dataset = x['truth']
truth.createIndex()
e = COCOeval(truth, truth.loadRes(x['results']), 'segm')
e.params.areaRng = [[x['least'], 1e10]]
e.params.areaRngLbl = ['all']
e.params.maxDets = [100]
e.evaluate()
e.accumulate()
p = e.eval['precision'][:, :, :, 0, 0]
print()
print(json.dumps([float(q[q > -1].mean()) for q in [p, p[0], p[5]]]))
)");
    EXPECT_GT(ours.average(), 0.02);
    EXPECT_LT(ours.average(), 0.95);
    EXPECT_NEAR(ours.average(), theirs[0].get<double>(), 1e-9) << least_area;
    EXPECT_NEAR(ours.at(0), theirs[1].get<double>(), 1e-9);
    EXPECT_NEAR(ours.at(5), theirs[2].get<double>(), 1e-9);
  }
}

}  // namespace
}  // namespace fovea
