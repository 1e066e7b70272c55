#include "fovea/study/judge.h"

#include <cmath>
#include <optional>
#include <utility>

#include "fovea/backend/input.h"
#include "fovea/model/cost.h"

namespace fovea {
namespace {

constexpr int kPasses = 11;

// `way` with such a schedule, and no threshold, so that its operations are known.
MergeOptions usual(MergeOptions way, int r, std::optional<double> inflect) {
  way.schedule = {};
  way.schedule.r = r;
  way.schedule.inflect = inflect;
  way.threshold.reset();
  return way;
}

// Whether two merge in the same way but for the schedule.
bool same_way(const MergeOptions& a, const MergeOptions& b) {
  return a.method == b.method && a.metric == b.metric && a.score == b.score &&
         a.partition == b.partition;
}

class Judge {
 public:
  Judge(const Model& model, const Batches& held_out, const MergeOptions& tuned)
      : model_(model), held_out_(held_out), tuned_(tuned), wanted_(mean_gflops(tuned)) {}

  std::vector<JudgedSchedule> rows(const MergeOptions& plain) const {
    std::vector<JudgedSchedule> rows = {{"dense", "", {}}};
    const int r = r_as_costly(plain, {});
    rows.push_back({"constant", "GFLOPs", usual(plain, r, {})});
    rows.push_back({"constant", "speed", as_fast(plain, r)});
    rows.push_back({"decreasing", "GFLOPs", usual(plain, r_as_costly(plain, -1), -1)});
    if (!same_way(plain, tuned_)) {
      rows.push_back({"constant", "GFLOPs", usual(tuned_, r_as_costly(tuned_, {}), {})});
    }
    rows.push_back({"tuned", "", tuned_});
    return rows;
  }

 private:
  Grid size() const { return input_of(held_out_.front()).grid; }

  // Of an image merged so, whose operations do not depend on it.
  double gflops_of(const MergeOptions& merge) const {
    return cost(model_.architecture(), size(), merge).gflops;
  }

  // Of an image in the mean, where they may.
  double mean_gflops(const MergeOptions& merge) const {
    if (!merge.threshold) return gflops_of(merge);
    double sum = 0;
    int64_t count = 0;
    for (const Array& images : held_out_) {
      const Result result = model_.run(images, {.merge = merge, .want_tokens = false});
      sum += gflops_run(model_, images, merge, result);
      count += images.shape[0];
    }
    return sum / static_cast<double>(count);
  }

  // The largest r whose operations are no fewer than those of the tuned schedule.
  int r_as_costly(const MergeOptions& way, std::optional<double> inflect) const {
    const auto patches = static_cast<int>(model_.architecture().patches_of(size()).size());
    int r = 0;
    while (r < patches && gflops_of(usual(way, r + 1, inflect)) >= wanted_) ++r;
    return r;
  }

  // The constant schedule of about the tuned one's speed on the clock, of those around `r`.
  MergeOptions as_fast(const MergeOptions& way, int r) const {
    std::vector<MergeOptions> merges = {tuned_};
    for (int other = std::max(0, r - r / 6 - 1); other <= r + r / 6 + 1; ++other) {
      merges.push_back(usual(way, other, {}));
    }
    const std::vector<double> speeds =
        measured_speedups(model_, held_out_, merges, kPasses, [] { return false; });
    size_t best = 1;
    for (size_t i = 1; i < speeds.size(); ++i) {
      if (std::abs(speeds[i] - speeds[0]) < std::abs(speeds[best] - speeds[0])) best = i;
    }
    return merges[best];
  }

  const Model& model_;
  const Batches& held_out_;
  const MergeOptions& tuned_;
  double wanted_;  // GFLOPs of the tuned schedule
};

}  // namespace

std::vector<JudgedSchedule> judge(const Model& model, const Batches& held_out,
                                  const MergeOptions& tuned, const MergeOptions& plain) {
  std::vector<JudgedSchedule> rows = Judge(model, held_out, tuned).rows(plain);
  std::vector<MergeOptions> merges;
  for (size_t i = 1; i < rows.size(); ++i) merges.push_back(rows[i].merge);
  Comparison comparison(model, merges);
  for (const Array& images : held_out) comparison.add(images, false);
  const std::vector<double> speedups =
      measured_speedups(model, held_out, merges, kPasses, [] { return false; });
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].score = comparison.score(i);
    if (i > 0) rows[i].speedup = speedups[i - 1];
  }
  return rows;
}

}  // namespace fovea
