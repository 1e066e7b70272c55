#include "fovea/data/instances.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kImages =
    R"("images": [{"id": 7, "file_name": "b/1.jpg", "height": 4, "width": 6},
                  {"id": 3, "file_name": "2.jpg", "height": 2, "width": 3}])";

InstanceFile parse(const std::string& annotations) {
  return parse_instances(std::string("{") + kImages + ", \"annotations\": [" + annotations + "]}",
                         "i.json");
}

// What is wrong with one annotation of that segmentation.
std::string error_with(const std::string& segmentation) {
  return error_of(
      [&] { parse(R"({"image_id": 3, "category_id": 1, "segmentation": )" + segmentation + "}"); });
}

TEST(InstancesTest, BelongToPictures) {
  const InstanceFile file = parse(
      R"({"image_id": 3, "category_id": 18, "iscrowd": 0, "segmentation": [[0,0,3,0,3,2,0,2]]},
         {"image_id": 7, "category_id": 1, "iscrowd": 1,
          "segmentation": {"size": [4, 6], "counts": [0, 3, 20, 1]}},
         {"image_id": 7, "category_id": 2,
          "segmentation": {"size": [4, 6], "counts": "44`0"}})");
  ASSERT_EQ(file.pictures.size(), 2U);
  EXPECT_EQ(file.pictures[0].file, "b/1.jpg");
  EXPECT_EQ(file.pictures[0].height, 4);
  EXPECT_EQ(file.pictures[0].width, 6);
  ASSERT_EQ(file.pictures[0].instances.size(), 2U);
  const Instance& crowd = file.pictures[0].instances[0];
  EXPECT_TRUE(crowd.crowd);
  EXPECT_THAT(mask_of(crowd, 4, 6).counts, ElementsAre(0, 3, 20, 1));
  const Instance& packed = file.pictures[0].instances[1];
  EXPECT_FALSE(packed.crowd);
  EXPECT_EQ(packed.category, 2);
  EXPECT_THAT(mask_of(packed, 4, 6).counts, ElementsAre(4, 4, 16));
  ASSERT_EQ(file.pictures[1].instances.size(), 1U);
  EXPECT_EQ(file.pictures[1].instances[0].category, 18);
  EXPECT_THAT(mask_of(file.pictures[1].instances[0], 2, 3).counts, ElementsAre(0, 6));
}

TEST(InstancesTest, UniteTheirPolygons) {
  const InstanceFile file = parse(
      R"({"image_id": 3, "category_id": 1,
          "segmentation": [[0,0,1,0,1,2,0,2], [2,0,3,0,3,2,2,2]]})");
  EXPECT_THAT(mask_of(file.pictures[1].instances[0], 2, 3).counts, ElementsAre(0, 2, 2, 2));
}

TEST(InstancesTest, NameWhatIsNone) {
  EXPECT_THAT(error_of([] { parse_instances("[]", "i.json"); }), HasSubstr("i.json: holds array"));
  EXPECT_THAT(error_of([] { parse_instances("{}", "i.json"); }), HasSubstr("no list of images"));
  EXPECT_THAT(error_of([] { parse("5"); }), HasSubstr("i.json: annotations[0] is 5"));
  EXPECT_THAT(error_of([] { parse(R"({"image_id": 4})"); }),
              HasSubstr("annotations[0]: image_id is 4; expected the id of an image"));
  EXPECT_THAT(error_of([] { parse(R"({"image_id": 3})"); }),
              HasSubstr("annotations[0] has no category_id"));
  EXPECT_THAT(error_of([] { parse(R"({"image_id": 3, "category_id": 1, "iscrowd": 2})"); }),
              HasSubstr("iscrowd is 2"));
}

TEST(InstancesTest, NameTheSegmentationThatIsNone) {
  EXPECT_THAT(error_with("[]"), HasSubstr("segmentation is []; expected polygons"));
  EXPECT_THAT(error_with("[[0, 0, 1, 1]]"), HasSubstr("3 corners"));
  EXPECT_THAT(error_with("[[0, 0, 1, 1, 0, 1, 2]]"), HasSubstr("3 corners"));
  EXPECT_THAT(error_with("[[0, 0, 1, 1, 0, NaN]]"), HasSubstr("3 corners"));
  EXPECT_THAT(error_with("[[0, 0, 1, 1e9, 0, 1]]"), HasSubstr("in the picture"));
  EXPECT_THAT(error_with(R"({"size": [3, 2], "counts": [6]})"), HasSubstr("size, [2, 3]"));
  EXPECT_THAT(error_with(R"({"size": [2, 3], "counts": [5]})"),
              HasSubstr("annotations[0]: segmentation: run lengths of 5 pixels"));
  EXPECT_THAT(error_with(R"({"size": [2, 3], "counts": [7, -1]})"), HasSubstr("counts of pixels"));
  EXPECT_THAT(error_with(R"({"size": [2, 3], "counts": "~"})"),
              HasSubstr("annotations[0]: segmentation: "));
  EXPECT_THAT(error_with(R"({"size": [2, 3]})"), HasSubstr("expected counts"));
}

std::string error_of_image(const std::string& image) {
  return error_of(
      [&] { parse_instances(R"({"images": [)" + image + R"(], "annotations": []})", "i.json"); });
}

TEST(InstancesTest, NameTheImageThatIsNone) {
  EXPECT_THAT(error_of_image(R"({"id": 1, "file_name": "../a.jpg", "height": 1, "width": 1})"),
              HasSubstr("images[0]: file_name is \"../a.jpg\"; expected a file in the folder"));
  EXPECT_THAT(error_of_image(R"({"id": 1, "file_name": "/a.jpg", "height": 1, "width": 1})"),
              HasSubstr("file_name"));
  EXPECT_THAT(error_of_image(R"({"id": 1, "file_name": "a.jpg", "height": 0, "width": 1})"),
              HasSubstr("height is 0"));
  EXPECT_THAT(error_of_image(R"({"id": 1, "file_name": "a.jpg", "height": 100000, "width": 9999})"),
              HasSubstr("megapixels"));
  EXPECT_THAT(error_of_image(R"({"id": 1, "file_name": "a.jpg", "height": 1, "width": 1},
                                {"id": 1, "file_name": "b.jpg", "height": 1, "width": 1})"),
              HasSubstr("images[1]: id is 1"));
}

}  // namespace
}  // namespace fovea
