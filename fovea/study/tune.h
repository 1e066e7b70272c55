// The way and the schedule of merging that suit a model and its pictures best.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "fovea/study/speed.h"

namespace fovea {

struct TuneOptions {
  double speedup = 2;              // over the dense model, as measured
  std::optional<double> fidelity;  // if given: as fast as keeps this, whatever the speed-up
  double seconds = 45;             // for the search; judging comes on top
  // Ways to merge, all but the schedule, of which the best is taken; another than the first only
  // where it is clearly better.
  std::vector<MergeOptions> ways = {MergeOptions{}};
  bool thresholds = true;  // whether a limit to how alike tokens must be may come on top
  std::function<bool()> stopped = [] { return false; };  // ends the search early
  std::function<void(const std::string&)> tell = [](const std::string&) {};  // how it goes
};

struct Tuned {
  MergeOptions merge;  // its schedule has a number for every layer
  size_t way = 0;
};

// Searches, by fidelity to the dense model on `pictures`: no labels are needed. Throws Error where
// merging can't give what is asked for.
Tuned tune(const Model& model, const Batches& pictures, const TuneOptions& options);

}  // namespace fovea
