// The mean of vectors that come one after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace fovea::cli {

class VectorMean {
 public:
  // All have the length of the first.
  template <class Number>
  void add(std::span<const Number> values) {
    sums_.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) sums_[i] += values[i];
    ++count_;
  }

  int count() const { return count_; }
  // Empty where there were none.
  template <class Number>
  std::vector<Number> mean() const {
    std::vector<Number> means(sums_.size());
    std::transform(sums_.begin(), sums_.end(), means.begin(),
                   [&](double sum) { return static_cast<Number>(sum / count_); });
    return means;
  }

 private:
  std::vector<double> sums_;
  int count_ = 0;
};

}  // namespace fovea::cli
