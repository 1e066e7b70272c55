#include "fovea/data/segmented.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fovea/data/testing.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

// A grey picture of these values, row by row.
std::string map_of(int width, const std::vector<uint8_t>& values) {
  Image image{width, static_cast<int>(values.size()) / width, {}};
  for (const uint8_t value : values) image.rgb.insert(image.rgb.end(), 3, value);
  return encode_png(image);
}

std::string instances_of(const std::string& file, int height = 2) {
  return R"({"images": [{"id": 1, "file_name": ")" + file + R"(", "height": )" +
         std::to_string(height) + R"(, "width": 3}],
    "annotations": [{"image_id": 1, "category_id": 5,
                     "segmentation": [[1, 0, 3, 0, 3, 2, 1, 2]]}]})";
}

class SegmentedTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    write_file(folder_ / name, content);
  }
  std::string error() const {
    return error_of([&] {
      const auto pictures = open_segmented(folder_.path());
      read_segmented(*pictures, 0);
    });
  }
  TemporaryFolder folder_;
  const std::string grey_ = map_of(3, {90, 90, 90, 90, 90, 90});
};

TEST_F(SegmentedTest, HasASegmentForEachValueOfAMap) {
  const Image map{3, 2, {7, 7, 7, 0, 0, 0, 0, 0, 0, 7, 7, 7, 0, 0, 0, 2, 2, 2}};
  const std::vector<Rle> segments = segments_of(map);
  ASSERT_EQ(segments.size(), 3U);
  EXPECT_THAT(segments[0].counts, ElementsAre(2, 3, 1));
  EXPECT_THAT(segments[1].counts, ElementsAre(5, 1));
  EXPECT_THAT(segments[2].counts, ElementsAre(0, 2, 4));
  for (const Rle& segment : segments) {
    EXPECT_EQ(segment.height, 2);
    EXPECT_EQ(segment.width, 3);
  }
}

TEST_F(SegmentedTest, ReadsLabelMapsOfSeveralPeople) {
  write("test/b.png", grey_);
  write("test/b-0.png", map_of(3, {1, 1, 2, 1, 1, 2}));
  write("test/b-10.png", map_of(3, {1, 1, 1, 1, 1, 1}));
  write("test/b-2.png", map_of(3, {1, 3, 2, 1, 3, 2}));
  write("test/a-1.png", grey_);  // a picture's name, not a map's: there is no picture "a"
  write("test/a-1-0.png", map_of(3, {1, 1, 1, 1, 1, 1}));
  write("test/c.png", grey_);
  write("test/notes.txt", "");
  const auto pictures = open_segmented(folder_.path(), "test");
  ASSERT_EQ(pictures->size(), 2);
  EXPECT_THAT(pictures->name(0), EndsWith("test/a-1.png"));
  EXPECT_THAT(pictures->name(1), EndsWith("test/b.png"));
  EXPECT_EQ(to_string(pictures->left_out()), "1 file of other kinds: 1 .txt; 1 without a label");
  const SegmentedPicture picture = read_segmented(*pictures, 1);
  EXPECT_EQ(picture.image.width, 3);
  std::vector<int> drawings;
  for (const TrueMask& truth : picture.masks) drawings.push_back(truth.drawing);
  EXPECT_THAT(drawings, ElementsAre(0, 0, 1, 1, 1, 2));
  EXPECT_THAT(picture.masks[1].mask.counts, ElementsAre(4, 2));
  EXPECT_THAT(picture.masks[5].mask.counts, ElementsAre(0, 6));
}

TEST_F(SegmentedTest, ReadsZipsLikewise) {
  write_zip(folder_ / "s.zip", {{"train/1.png", grey_},
                                {"train/1-0.png", map_of(3, {1, 1, 2, 1, 1, 2})},
                                {"test/2.png", grey_},
                                {"test/2-0.png", map_of(3, {1, 1, 1, 1, 1, 1})}});
  EXPECT_EQ(open_segmented(folder_ / "s.zip", "train")->masks(0).size(), 2U);
  const auto test = open_segmented(folder_ / "s.zip/test/");
  ASSERT_EQ(test->size(), 1);
  EXPECT_THAT(test->name(0), EndsWith("s.zip: test/2.png"));
  EXPECT_EQ(read_segmented(*test, 0).masks.size(), 1U);
  EXPECT_THAT(error_of([&] { open_segmented(folder_ / "s.zip", "val"); }),
              HasSubstr("s.zip: no file in its folder val"));
}

TEST_F(SegmentedTest, ReadsInstancesBesideTheirPictures) {
  write("instances.json", instances_of("pictures/1.png"));
  write("pictures/1.png", grey_);
  const auto pictures = open_segmented(folder_.path());
  ASSERT_EQ(pictures->size(), 1);
  const SegmentedPicture picture = read_segmented(*pictures, 0);
  ASSERT_EQ(picture.masks.size(), 1U);
  EXPECT_EQ(picture.masks[0].category, 5);
  EXPECT_THAT(picture.masks[0].mask.counts, ElementsAre(2, 4));
}

TEST_F(SegmentedTest, ReadsCocosOwnLayout) {
  write("annotations/instances_val.json", instances_of("1.png"));
  write("annotations/instances_train.json", instances_of("2.png"));
  write("val/1.png", grey_);
  EXPECT_EQ(open_segmented(folder_ / "val")->size(), 1);
  write_zip(folder_ / "coco.zip",
            {{"annotations/instances_val.json", instances_of("1.png")}, {"val/1.png", grey_}});
  EXPECT_EQ(read_segmented(*open_segmented(folder_ / "coco.zip", "val"), 0).masks.size(), 1U);
}

TEST_F(SegmentedTest, NamesWhatIsMissing) {
  EXPECT_THAT(error(), HasSubstr("no pictures with masks"));
  write("1.png", grey_);
  EXPECT_THAT(error(), HasSubstr("no pictures with masks"));
  write("instances.json", instances_of("2.png"));
  EXPECT_THAT(error(), HasSubstr("2.png: no such picture"));
  write("instances_b.json", instances_of("1.png"));
  EXPECT_THAT(error(), HasSubstr("two files of instances, instances.json and instances_b.json"));
  EXPECT_THAT(error_of([&] { open_segmented(folder_ / "none"); }),
              HasSubstr("none: no such folder"));
}

TEST_F(SegmentedTest, NamesPicturesOfAnotherSizeThanTheirMasks) {
  write("1.png", grey_);
  write("1-0.png", map_of(3, {1, 1, 1}));
  EXPECT_THAT(error(), HasSubstr("1.png: 3 x 2 pixels, but its masks are 3 x 1"));
  write("instances.json", instances_of("1.png", 4));
  EXPECT_THAT(error(), HasSubstr("1.png: 3 x 2 pixels, but its masks are 3 x 4"));
}

}  // namespace
}  // namespace fovea
