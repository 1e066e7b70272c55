#include "fovea/report/instance_precision.h"

#include <gtest/gtest.h>

#include <vector>

namespace fovea {
namespace {

// A mask of one row of 100 pixels: those from `begin` up to `end`.
Rle bar(uint32_t begin, uint32_t end) { return {1, 100, {begin, end - begin, 100 - end}}; }

TEST(InstancePrecisionTest, IsOneWhereAllIsFound) {
  InstancePrecision ap;
  ap.add(1, std::vector<Detection>{{bar(0, 20), 0.9}, {bar(30, 50), 0.1}},
         std::vector<Truth>{{bar(0, 20)}, {bar(30, 50)}});
  EXPECT_NEAR(ap.average(), 1, 1e-9);
}

TEST(InstancePrecisionTest, CountsThresholds) {
  InstancePrecision ap;  // an IoU of 14 / 20: .50 to .70, five of ten
  ap.add(1, std::vector<Detection>{{bar(0, 14), 0.9}}, std::vector<Truth>{{bar(0, 20)}});
  EXPECT_NEAR(ap.at(0), 1, 1e-9);
  EXPECT_NEAR(ap.at(4), 1, 1e-9);
  EXPECT_EQ(ap.at(5), 0);
  EXPECT_NEAR(ap.average(), 0.5, 1e-9);
}

TEST(InstancePrecisionTest, RanksOverAllPictures) {
  InstancePrecision ap;
  const std::vector<Truth> there = {{bar(0, 20)}};
  ap.add(1, std::vector<Detection>{{bar(50, 70), 0.9}}, there);
  ap.add(1, std::vector<Detection>{{bar(0, 20), 0.5}}, there);
  // Recall 0 to .5 with precision .5, nothing beyond: 51 of 101 recalls.
  EXPECT_NEAR(ap.average(), 0.5 * 51 / 101, 1e-9);
}

TEST(InstancePrecisionTest, CountsASecondHitAsWrong) {
  InstancePrecision ap;
  ap.add(1, std::vector<Detection>{{bar(0, 20), 0.9}, {bar(0, 20), 0.8}, {bar(40, 60), 0.7}},
         std::vector<Truth>{{bar(0, 20)}, {bar(40, 60)}});
  // 51 recalls of precision 1, 50 of 2/3.
  EXPECT_NEAR(ap.average(), (51 + 50 * 2.0 / 3) / 101, 1e-9);
}

TEST(InstancePrecisionTest, LeavesCrowdsOut) {
  InstancePrecision ap;
  ap.add(1, std::vector<Detection>{{bar(60, 70), 0.9}, {bar(70, 80), 0.8}, {bar(0, 20), 0.7}},
         std::vector<Truth>{{bar(50, 100), true}, {bar(0, 20)}});
  EXPECT_NEAR(ap.average(), 1, 1e-9);
}

TEST(InstancePrecisionTest, LeavesSmallThingsOut) {
  InstancePrecision ap(10);
  ap.add(1, std::vector<Detection>{{bar(60, 65), 0.9}, {bar(0, 20), 0.7}},
         std::vector<Truth>{{bar(40, 49)}, {bar(0, 20)}});
  EXPECT_NEAR(ap.average(), 1, 1e-9);
}

TEST(InstancePrecisionTest, IsTheMeanOverCategories) {
  InstancePrecision ap;
  EXPECT_EQ(ap.average(), -1);
  ap.add(1, std::vector<Detection>{{bar(0, 20), 0.9}}, std::vector<Truth>{{bar(0, 20)}});
  ap.add(2, {}, std::vector<Truth>{{bar(0, 20)}});
  ap.add(3, std::vector<Detection>{{bar(0, 20), 0.9}}, {});  // nothing of it is there
  EXPECT_NEAR(ap.average(), 0.5, 1e-9);
}

// Figures of pycocotools' COCOeval.
TEST(InstancePrecisionTest, IsCocos) {
  InstancePrecision ap;
  ap.add(1,
         std::vector<Detection>{
             {bar(0, 18), 0.9}, {bar(31, 55), 0.8}, {bar(62, 70), 0.7}, {bar(0, 20), 0.6}},
         std::vector<Truth>{{bar(0, 20)}, {bar(30, 50)}, {bar(60, 90), true}});
  ap.add(1, std::vector<Detection>{{bar(12, 40), 0.8}, {bar(70, 80), 0.95}},
         std::vector<Truth>{{bar(10, 40)}});
  ap.add(2, std::vector<Detection>{{bar(0, 10), 0.7}, {bar(51, 60), 0.3}},
         std::vector<Truth>{{bar(50, 60)}});
  ap.add(2, std::vector<Detection>{{bar(0, 40), 0.5}}, std::vector<Truth>{{bar(0, 50)}});
  EXPECT_NEAR(ap.average(), 0.5282838283828383, 1e-12);
  EXPECT_NEAR(ap.at(0), 0.7083333333333333, 1e-12);
  EXPECT_NEAR(ap.at(5), 0.7083333333333333, 1e-12);
}

TEST(InstancePrecisionTest, TakesAHundredOfAPicture) {
  InstancePrecision ap;
  std::vector<Detection> found(100, {bar(50, 70), 0.9});
  found.push_back({bar(0, 20), 0.1});
  ap.add(1, found, std::vector<Truth>{{bar(0, 20)}});
  EXPECT_EQ(ap.average(), 0);
}

}  // namespace
}  // namespace fovea
