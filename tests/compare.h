// How far what was computed lies from what was wanted, so told that NaN can't pass: not even as a
// test's "at least", since whatever is not finite is a failure of its own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>

#include "fovea/io/array.h"
#include "fovea/report/fidelity.h"

namespace fovea {

// Whether all values are finite; the first that isn't is told.
inline bool expect_finite(std::span<const float> values, std::string_view what) {
  const auto odd = std::find_if_not(values.begin(), values.end(),
                                    [](float value) { return std::isfinite(value); });
  if (odd == values.end()) return true;
  ADD_FAILURE() << what << "[" << odd - values.begin() << "] is " << *odd;
  return false;
}

// Whether two arrays can be compared value by value.
inline bool comparable(const Array& got, const Array& want) {
  EXPECT_EQ(got.data.size(), want.data.size());
  const bool finite =
      expect_finite(got.data, "what was computed") && expect_finite(want.data, "what was wanted");
  return finite && got.data.size() == want.data.size();
}

// The largest difference over the largest wanted value, or over 1 where all wanted are 0.
inline double relative_error(const Array& got, const Array& want) {
  if (!comparable(got, want)) return std::numeric_limits<double>::infinity();
  double difference = 0;
  double largest = 0;
  for (size_t i = 0; i < want.data.size(); ++i) {
    difference = std::max(difference, std::abs(double{got.data[i]} - want.data[i]));
    largest = std::max(largest, std::abs(double{want.data[i]}));
  }
  return difference / (largest > 0 ? largest : 1);
}

// The lowest cosine between rows [N, width] of the two.
inline double lowest_cosine(const Array& got, const Array& want) {
  if (!comparable(got, want)) return -std::numeric_limits<double>::infinity();
  const auto width = static_cast<size_t>(want.shape.back());
  double lowest = 1;
  for (size_t begin = 0; begin < want.data.size(); begin += width) {
    lowest = std::min(lowest, cosine(std::span(got.data).subspan(begin, width),
                                     std::span(want.data).subspan(begin, width)));
  }
  return lowest;
}

}  // namespace fovea
