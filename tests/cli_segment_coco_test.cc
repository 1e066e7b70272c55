// What `fovea segment --everything` writes, in COCO's own tools, where Python has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/cli_testing.h"

namespace fovea {
namespace {

using nlohmann::json;

TEST(CliSegmentCoco, PycocotoolsLoadsEverything) {
  const auto python = [](const std::string& script) {
    return run_program("/usr/bin/env", {"python3", "-c", script});
  };
  if (python("import pycocotools.coco").status != 0) {
    GTEST_SKIP() << "skipped: python3 has no pycocotools";
  }
  const std::filesystem::path golden = test_data() / "goldens-sam" / "sam-picture";
  const TemporaryFolder folder;
  std::filesystem::copy_file(golden / "picture.png", folder / "000000000139.png");
  expect_done(run_fovea({"segment", golden.string(), (folder / "000000000139.png").string(),
                         "--everything", "--points-per-side", "4", "--pred-iou-thresh", "0",
                         "--stability-score-thresh", "0", "-o", (folder / "masks.json").string()}));
  write_file(folder / "truth.json", R"({"images": [{"id": 139, "width": 150, "height": 100}],
      "categories": [{"id": 1, "name": "thing"}], "annotations": []})");
  const Finished loaded = python(R"(
import contextlib, io, json, os
from pycocotools import mask
from pycocotools.coco import COCO
os.chdir(')" + folder.path().string() +
                                 R"(')
with contextlib.redirect_stdout(io.StringIO()):
    results = COCO('truth.json').loadRes('masks.json')
written = json.load(open('masks.json'))
found = results.loadAnns(results.getAnnIds(imgIds=[139]))
print(json.dumps([[len(written)]] + [
    [int(mask.area(w['segmentation'])) - w['area'], int(results.annToMask(f).sum()) - w['area']] +
    [a - b for a, b in zip(mask.toBbox(w['segmentation']), w['bbox'])]
    for w, f in zip(written, found)]))
)");
  ASSERT_EQ(loaded.status, 0) << loaded.err;
  const json answer = json::parse(loaded.out);
  const auto count = answer[0][0].get<size_t>();
  EXPECT_GE(count, 1U);
  ASSERT_EQ(answer.size(), count + 1);
  for (size_t i = 1; i < answer.size(); ++i) {
    for (const json& difference : answer[i]) EXPECT_EQ(difference, 0) << i;
  }
}

}  // namespace
}  // namespace fovea
