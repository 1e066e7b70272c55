#include "fovea/report/instance_precision.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

namespace fovea {
namespace {

constexpr size_t kMostFound = 100;  // of a category in a picture
constexpr int kRecalls = 101;

// As numpy's linspace counts: .50 to .95, and 0 to 1.
double iou_of(int threshold) {
  constexpr double kFirst = 0.5;
  constexpr double kLast = 0.95;
  constexpr int kSteps = InstancePrecision::kThresholds - 1;
  return threshold == kSteps ? kLast : kFirst + threshold * ((kLast - kFirst) / kSteps);
}
double recall_of(int i) { return i == kRecalls - 1 ? 1 : i * (1.0 / (kRecalls - 1)); }

// From the highest score down; where they are equal as they came.
std::vector<size_t> by_score(size_t count, const auto& score) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return score(a) > score(b); });
  return order;
}

struct Target {
  const Truth* truth;
  bool ignored;
};

// Those that count come first.
std::vector<Target> targets_of(std::span<const Truth> there, int64_t least_area) {
  std::vector<Target> targets;
  targets.reserve(there.size());
  for (const Truth& truth : there) {
    targets.push_back({&truth, truth.crowd || area_of(truth.mask) < least_area});
  }
  std::stable_partition(targets.begin(), targets.end(),
                        [](const Target& target) { return !target.ignored; });
  return targets;
}

// The target of the highest IoU that is still free, one that counts before one that does not; -1
// where none is alike enough. Crowds are always free.
int match(std::span<const Target> targets, std::span<const double> ious,
          const std::vector<bool>& taken, double threshold) {
  double best = std::min(threshold, 1 - 1e-10);
  int matched = -1;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (taken[i] && !targets[i].truth->crowd) continue;
    if (matched >= 0 && !targets[matched].ignored && targets[i].ignored) break;
    if (ious[i] < best) continue;
    best = ious[i];
    matched = static_cast<int>(i);
  }
  return matched;
}

}  // namespace

void InstancePrecision::add(int64_t category_number, std::span<const Detection> found,
                            std::span<const Truth> there) {
  Category& category = categories_[category_number];
  const std::vector<Target> targets = targets_of(there, least_area_);
  category.there +=
      std::count_if(targets.begin(), targets.end(), [](const Target& t) { return !t.ignored; });
  std::array<std::vector<bool>, kThresholds> taken;
  taken.fill(std::vector<bool>(targets.size()));
  std::vector<size_t> order = by_score(found.size(), [&](size_t i) { return found[i].score; });
  order.resize(std::min(order.size(), kMostFound));
  std::vector<double> ious(targets.size());
  for (const size_t i : order) {
    for (size_t j = 0; j < targets.size(); ++j) {
      const Truth& truth = *targets[j].truth;
      ious[j] = intersection_over_union(found[i].mask, truth.mask, truth.crowd);
    }
    const bool is_small = area_of(found[i].mask) < least_area_;
    Ranked ranked{found[i].score, 0, 0};
    for (int t = 0; t < kThresholds; ++t) {
      const int matched = match(targets, ious, taken[t], iou_of(t));
      const auto bit = static_cast<uint16_t>(1U << t);
      if (matched < 0) {
        if (is_small) ranked.ignored |= bit;
        continue;
      }
      taken[t][matched] = true;
      (targets[matched].ignored ? ranked.ignored : ranked.hits) |= bit;
    }
    category.found.push_back(ranked);
  }
}

double InstancePrecision::precision_of(const Category& category, int threshold) {
  const std::vector<size_t> order =
      by_score(category.found.size(), [&](size_t i) { return category.found[i].score; });
  std::vector<double> recalls;
  std::vector<double> precisions;
  double right = 0;
  double wrong = 0;
  for (const size_t i : order) {
    const bool is_ignored = (category.found[i].ignored >> threshold & 1U) != 0;
    const bool is_right = (category.found[i].hits >> threshold & 1U) != 0;
    right += is_right ? 1 : 0;
    wrong += is_right || is_ignored ? 0 : 1;
    recalls.push_back(right / static_cast<double>(category.there));
    precisions.push_back(right / (right + wrong + std::numeric_limits<double>::epsilon()));
  }
  // The highest precision at that recall or a higher one.
  for (size_t i = precisions.size(); i-- > 1;) {
    precisions[i - 1] = std::max(precisions[i - 1], precisions[i]);
  }
  double sum = 0;
  for (int i = 0; i < kRecalls; ++i) {
    const auto place = std::lower_bound(recalls.begin(), recalls.end(), recall_of(i));
    if (place != recalls.end()) sum += precisions[place - recalls.begin()];
  }
  return sum / kRecalls;
}

double InstancePrecision::at(int threshold) const {
  double sum = 0;
  int counted = 0;
  for (const auto& [number, category] : categories_) {
    if (category.there == 0) continue;
    sum += precision_of(category, threshold);
    ++counted;
  }
  return counted == 0 ? -1 : sum / counted;
}

double InstancePrecision::average() const {
  double sum = 0;
  for (int t = 0; t < kThresholds; ++t) sum += at(t);
  return at(0) < 0 ? -1 : sum / kThresholds;
}

}  // namespace fovea
