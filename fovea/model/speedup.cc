#include "fovea/model/speedup.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

// So many times as much; of a share at most what there is, and no more digits than one would type.
Amount scaled(const Amount& amount, double factor) {
  if (amount.is_share()) {
    return Amount::percent(
        std::min(kMostPercent, std::round(amount.percent() * factor * 1e4) / 1e4));
  }
  return static_cast<int>(std::min<double>(kNoLimit, std::round(amount.count() * factor)));
}

Schedule scaled(Schedule schedule, double factor) {
  schedule.r = scaled(schedule.r, factor);
  for (Amount& r : schedule.per_layer) r = scaled(r, factor);
  return schedule;
}

bool is_constant_number(const Schedule& schedule) {
  return schedule.per_layer.empty() && !schedule.r.is_share();
}

// The least of [0, most] for which `reaches` holds, if it does for `most` and does for all above
// the first for which it does; to the precision of a double, or whole.
double least_real(double most, const std::function<bool(double)>& reaches) {
  double below = 0;
  if (reaches(below)) return below;
  for (int i = 0; i < 100; ++i) {
    const double middle = (below + most) / 2;
    (reaches(middle) ? most : below) = middle;
  }
  return most;
}

int least_whole(int most, const std::function<bool(int)>& reaches) {
  int least = 0;
  while (least < most) {
    const int middle = least + (most - least) / 2;
    if (reaches(middle)) {
      most = middle;
    } else {
      least = middle + 1;
    }
  }
  return least;
}

}  // namespace

Speedup reach_speedup(const Architecture& architecture, const Grid& size, const MergeOptions& merge,
                      double speedup) {
  // Written so that NaN fails too.
  if (!(speedup >= 1)) fail("--speedup {}: expected 1 or more", speedup);
  if (merge.threshold) {
    fail("--speedup {}: does not go with a threshold, with which the picture says how many merge",
         speedup);
  }
  if (merge.matching == Matching::kth) {
    fail("--speedup {}: does not go with matching kth, which merges the same whatever r is",
         speedup);
  }
  const bool constant = is_constant_number(merge.schedule);
  const auto with = [&](double amount) {
    MergeOptions some = merge;
    if (constant) {
      some.schedule.r = static_cast<int>(amount);
    } else {
      some.schedule = scaled(merge.schedule, amount);
    }
    return some;
  };
  const auto gflops_with = [&](double amount) {
    return cost(architecture, size, with(amount)).gflops;
  };
  const double dense = cost(architecture, size).gflops;
  const auto reaches = [&](double amount) { return gflops_with(amount) <= dense / speedup; };
  // As a factor too: with it every layer that merges any merges all it can.
  constexpr double kMost = kNoLimit;
  if (!reaches(kMost)) {
    // Cut, not rounded: what is said to be possible must be.
    fail("--speedup {}: is more than {} reaches of {} x {} pixels; expected at most {:.2f}",
         speedup, constant ? "any r" : "any multiple of the schedule", size.rows, size.columns,
         std::floor(100 * dense / gflops_with(kMost)) / 100);
  }
  const double least = constant ? least_whole(kNoLimit, reaches) : least_real(kMost, reaches);
  return {with(least), constant ? 1 : least, dense, gflops_with(least)};
}

}  // namespace fovea
