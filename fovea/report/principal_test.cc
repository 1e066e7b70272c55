// Principal components against what is known of the rows they are of.
#include "fovea/report/principal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace fovea {
namespace {

using testing::ElementsAre;

// Rows around `mean` that differ along three axes, turned, by deviations 9, 4 and 1.
Array turned_rows(int64_t count) {
  constexpr double kTurned[3][3] = {{0.6, 0.8, 0}, {-0.8, 0.6, 0}, {0, 0, 1}};
  constexpr double kDeviation[3] = {9, 4, 1};
  std::mt19937 generator(5);
  std::normal_distribution<double> normal;
  Array rows({count, 3});
  for (int64_t i = 0; i < count; ++i) {
    double along[3];
    for (int k = 0; k < 3; ++k) along[k] = kDeviation[k] * normal(generator);
    for (int c = 0; c < 3; ++c) {
      double value = 100;
      for (int k = 0; k < 3; ++k) value += along[k] * kTurned[k][c];
      rows.data[3 * i + c] = static_cast<float>(value);
    }
  }
  return rows;
}

TEST(PrincipalComponents, AreTheAxesThatRowsWereMadeOf) {
  const PrincipalComponents found = principal_components(turned_rows(20'000), 3);
  const float expected[] = {0.6F, 0.8F, 0, 0.8F, -0.6F, 0, 0, 0, 1};
  for (int i = 0; i < 9; ++i) EXPECT_NEAR(found.directions.data[i], expected[i], 0.01) << i;
  EXPECT_NEAR(found.shares[0], 81.0 / 98, 0.01);
  EXPECT_NEAR(found.shares[1], 16.0 / 98, 0.01);
  EXPECT_NEAR(found.shares[0] + found.shares[1] + found.shares[2], 1, 1e-6);
  EXPECT_NEAR(found.mean[0], 100, 0.2);
}

TEST(PrincipalComponents, ProjectedRowsAreUncorrelatedAndAsLongAsTheyWere) {
  const Array rows = turned_rows(500);
  const PrincipalComponents found = principal_components(rows, 3);
  const Array projected = project(found, rows);
  double products[3][3] = {};
  for (int64_t i = 0; i < 500; ++i) {
    double before = 0;
    double after = 0;
    for (int c = 0; c < 3; ++c) {
      before += std::pow(rows.data[3 * i + c] - found.mean[c], 2);
      after += std::pow(projected.data[3 * i + c], 2);
      for (int k = 0; k < 3; ++k)
        products[c][k] += projected.data[3 * i + c] * projected.data[3 * i + k];
    }
    ASSERT_NEAR(before, after, 1e-3 * before + 1e-4);
  }
  EXPECT_GT(products[0][0], products[1][1]);
  EXPECT_GT(products[1][1], products[2][2]);
  EXPECT_NEAR(products[0][1] / products[1][1], 0, 1e-4);
  EXPECT_NEAR(products[1][2] / products[2][2], 0, 1e-4);
}

TEST(PrincipalComponents, AreNoneWhereRowsDifferInFewer) {
  Array rows({4, 2});
  rows.data = {1, 5, 2, 5, 3, 5, 4, 5};
  const PrincipalComponents found = principal_components(rows, 3);
  EXPECT_THAT(found.directions.data, ElementsAre(1, 0, 0, 0, 0, 0));
  EXPECT_THAT(found.shares, ElementsAre(1, 0, 0));
  rows.data.assign(8, 3.0F);
  EXPECT_THAT(principal_components(rows, 1).shares, ElementsAre(0));
}

TEST(PrincipalComponents, RefuseWhatIsNoNumber) {
  Array rows({2, 2});
  rows.data[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_ANY_THROW(principal_components(rows, 1));
}

TEST(ComponentColours, ReachFromTheLeastToTheMostButForOutliers) {
  Array projected({101, 3});
  for (int i = 0; i <= 100; ++i) {
    projected.data[3 * i] = static_cast<float>(i);
    projected.data[3 * i + 1] = static_cast<float>(-i);
    projected.data[3 * i + 2] = 7;
  }
  projected.data[3 * 100] = 1e9F;
  const std::vector<Rgb> colours = component_colours(projected);
  EXPECT_THAT(colours[0], ElementsAre(0, 255, 128));
  EXPECT_THAT(colours[2], ElementsAre(0, 255, 128));
  EXPECT_EQ(colours[50][0], 128);
  EXPECT_THAT(colours[98], ElementsAre(255, 0, 128));
  EXPECT_THAT(colours[100], ElementsAre(255, 0, 128));
}

}  // namespace
}  // namespace fovea
