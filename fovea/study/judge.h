// A schedule that was searched for beside the usual ones, on pictures that the search did not see.
#pragma once

#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/study/comparison.h"
#include "fovea/study/speed.h"

namespace fovea {

// One row of the comparison.
struct JudgedSchedule {
  std::string name;  // dense, constant, decreasing, tuned
  std::string at;    // what it has in common with the tuned one: "GFLOPs", "speed"; or empty
  MergeOptions merge;
  Score score = {};    // without times
  double speedup = 1;  // over the dense model, as measured
};

// The dense model; beside `tuned` the constant schedule with the largest r that has no fewer
// operations, the decreasing one likewise, and the constant one that is about as fast on the clock;
// each with the options of `plain`, and, where `tuned` merges in another way, constant ones of that
// way; and `tuned`, last.
std::vector<JudgedSchedule> judge(const Model& model, const Batches& held_out,
                                  const MergeOptions& tuned, const MergeOptions& plain);

}  // namespace fovea
