#include "fovea/model/taps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fovea {
namespace {

// 0, 1, 4, 9, 16 resampled.
std::vector<float> resampled(const std::vector<Taps>& taps) {
  std::vector<float> out;
  for (const Taps& each : taps) {
    double sum = 0;
    for (size_t i = 0; i < each.weights.size(); ++i) {
      const double x = each.first + static_cast<double>(i);
      sum += each.weights[i] * x * x;
    }
    out.push_back(static_cast<float>(sum));
  }
  return out;
}

void expect_near(const std::vector<float>& got, const std::vector<float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-4) << i;
}

// What torch 2.13's interpolate(..., mode="bicubic") gives.
TEST(PlainTaps, AreTorchsBicubic) {
  expect_near(resampled(make_plain_taps(5, 3)), {0.1481F, 4.0F, 14.0741F});
  expect_near(resampled(make_plain_taps(5, 8)),
              {-0.0928F, 0.1876F, 1.1765F, 2.6194F, 5.4417F, 8.4714F, 13.3951F, 16.6498F});
}

TEST(PlainTaps, LeaveTheSameSizeAlone) {
  expect_near(resampled(make_plain_taps(5, 5)), {0, 1, 4, 9, 16});
  expect_near(resampled(make_plain_taps(1, 3)), {0, 0, 0});
}

}  // namespace
}  // namespace fovea
