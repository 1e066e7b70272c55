// What a user can choose about merging, and the schedule that says how many tokens merge in each
// layer.
#pragma once

#include <string>
#include <vector>

#include "fovea/backend/kinds.h"

namespace fovea {

enum class Metric { k, q, v, x, k_concat };

// How many tokens merge in each layer (the paper's section 3, "token merging schedule").
struct Schedule {
  int r = 0;           // constant r
  double inflect = 0;  // in [-1, 1]: -1 decreasing, +1 increasing, around r
  std::vector<int>
      per_layer;  // if not empty: r of each layer, padded with zeros; r and inflect are not used
};

struct MergeOptions {
  Schedule schedule;
  Metric metric = Metric::k;
  Distance distance = Distance::cosine;
  MergeMode merge = MergeMode::weighted;
  bool prop_attn = true;
};

// r of every layer of a model of `depth` layers. Throws Error for negative r, inflect out of [-1,
// 1], or a list longer than depth.
std::vector<int> layer_schedule(const Schedule& schedule, int depth);

// Parses "13", "8,0,5" or "12,0" (a list of one). Throws Error that names the text.
Schedule parse_schedule(const std::string& text);

// "13", "13 (inflect -1)", "8,0,5"
std::string to_string(const Schedule& schedule);

// Names as on the command line. The parsers throw Error listing what is possible.
Metric parse_metric(const std::string& name);
Distance parse_distance(const std::string& name);
MergeMode parse_merge_mode(const std::string& name);

}  // namespace fovea
