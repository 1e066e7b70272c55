#include "fovea/report/average_precision.h"

#include <algorithm>
#include <numeric>

namespace fovea {

double average_precision(std::span<const float> scores, const std::vector<bool>& is_right) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  const auto all = static_cast<double>(std::count(is_right.begin(), is_right.end(), true));
  double sum = 0;
  int64_t found = 0;
  int64_t found_before = 0;  // with higher scores
  for (size_t i = 0; i < order.size(); ++i) {
    found += is_right[order[i]] ? 1 : 0;
    // Pictures of equal scores come all at once.
    if (i + 1 < order.size() && scores[order[i + 1]] == scores[order[i]]) continue;
    const double precision = static_cast<double>(found) / static_cast<double>(i + 1);
    sum += precision * static_cast<double>(found - found_before);
    found_before = found;
  }
  return all == 0 ? 0 : sum / all;
}

void ClassRanking::add(std::span<const float> scores, std::span<const int> right) {
  scores_.insert(scores_.end(), scores.begin(), scores.end());
  right_.insert(right_.end(), right.begin(), right.end());
  right_.push_back(-1);
}

double ClassRanking::mean_average_precision() const {
  const size_t pictures = scores_.size() / classes_;
  std::vector<std::vector<size_t>> of_class(classes_);
  size_t picture = 0;
  for (const int right : right_) {
    if (right < 0) {
      ++picture;
    } else {
      of_class[right].push_back(picture);
    }
  }
  double sum = 0;
  int counted = 0;
  std::vector<float> scores(pictures);
  for (int c = 0; c < classes_; ++c) {
    if (of_class[c].empty()) continue;
    for (size_t i = 0; i < pictures; ++i) scores[i] = scores_[i * classes_ + c];
    std::vector<bool> is_right(pictures);
    for (const size_t i : of_class[c]) is_right[i] = true;
    sum += average_precision(scores, is_right);
    ++counted;
  }
  return counted == 0 ? 0 : 100 * sum / counted;
}

}  // namespace fovea
