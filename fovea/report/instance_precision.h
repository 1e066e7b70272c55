// Average precision of masks, as COCO defines it: the figures of pycocotools' COCOeval ("segm", 100
// detections a picture).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "fovea/segment/rle.h"

namespace fovea {

struct Detection {
  Rle mask;
  double score = 0;
};

struct Truth {
  Rle mask;
  bool crowd = false;  // what is found in it counts neither for nor against
};

class InstancePrecision {
 public:
  // Things of fewer pixels, true or found, don't count: COCO's areas "all" are those from 0 on.
  explicit InstancePrecision(int64_t least_area = 0) : least_area_(least_area) {}

  // What was found of one category in one picture, and what is there; masks of one size. Of equal
  // scores those added first rank higher.
  void add(int64_t category, std::span<const Detection> found, std::span<const Truth> there);

  // The mean over categories and thresholds of IoU, .50, .55, ... to .95; -1 where
  // nothing is there.
  double average() const;
  // At one threshold, the n-th of these ten: 0 is .50.
  double at(int threshold) const;

  static constexpr int kThresholds = 10;

 private:
  // A detection that ranks among those of its category.
  struct Ranked {
    double score;
    uint16_t hits;     // a bit for each threshold: it is right
    uint16_t ignored;  // likewise: it counts neither way
  };
  struct Category {
    std::vector<Ranked> found;
    int64_t there = 0;  // that count
  };

  static double precision_of(const Category& category, int threshold);

  int64_t least_area_;
  std::map<int64_t, Category> categories_;
};

}  // namespace fovea
