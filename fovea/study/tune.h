// The schedule of merging that suits a model and its pictures best: searched for on some of them,
// judged on others.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/study/comparison.h"

namespace fovea {

struct TuneOptions {
  double speedup = 2;              // over the dense model, as measured
  std::optional<double> fidelity;  // if given: as fast as keeps this, whatever the speed-up
  double seconds = 45;             // for the search; judging comes on top
  MergeOptions merge = {};         // all but the schedule
  bool any_metric = true;          // whether the metric may be another one than merge's
  std::function<bool()> stopped = [] { return false; };  // ends the search early
  std::function<void(const std::string&)> tell = [](const std::string&) {};  // how it goes
};

// Batches of images [B, 3, H, W].
using Batches = std::vector<Array>;

// Searches, by fidelity to the dense model on `pictures`: no labels are needed. The schedule has a
// number for every layer. Throws Error where merging can't give what is asked for.
MergeOptions tune(const Model& model, const Batches& pictures, const TuneOptions& options);

// One row of the comparison on held-out pictures.
struct JudgedSchedule {
  std::string name;  // dense, constant, decreasing, tuned
  MergeOptions merge;
  Score score;         // without times
  double speedup = 1;  // over the dense model, as measured
};

// The dense model, the constant schedule with the largest r that has no fewer operations than
// `tuned`, the decreasing one likewise (both with the metric of `plain`, and with that of `tuned`
// where it is another), and `tuned`, all measured side by side.
std::vector<JudgedSchedule> judge(const Model& model, const Batches& held_out,
                                  const MergeOptions& tuned, const MergeOptions& plain);

}  // namespace fovea
