#include "fovea/report/fidelity.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fovea {
namespace {

double cosine_of(const std::vector<float>& a, const std::vector<float>& b) { return cosine(a, b); }

TEST(Cosine, IsThatOfTheAngle) {
  EXPECT_EQ(cosine_of({1, 2, 3}, {1, 2, 3}), 1);
  EXPECT_NEAR(cosine_of({1, 0}, {1, 1}), std::sqrt(0.5), 1e-15);
  EXPECT_EQ(cosine_of({1, 0}, {0, 5}), 0);
  EXPECT_NEAR(cosine_of({1, 2}, {-2, -4}), -1, 1e-15);
  EXPECT_EQ(cosine_of({0, 0}, {0, 0}), 1);
  EXPECT_EQ(cosine_of({0, 0}, {0, 1}), 0);
}

TEST(Fidelity, SumsOverPictures) {
  const Array dense({2, 2}, {1, 0, 0, 1});
  const Array merged({2, 2}, {2, 0, 1, 0});
  const Array dense_logits({2, 3}, {0, 1, 0, 0, 0, 1});
  const Array merged_logits({2, 3}, {0, 9, 1, 5, 0, 1});
  Fidelity fidelity;
  EXPECT_EQ(fidelity.mean(), 0);
  add(merged, merged_logits, dense, dense_logits, fidelity);
  EXPECT_EQ(fidelity.images, 2);
  EXPECT_EQ(fidelity.mean(), 0.5);
  EXPECT_EQ(fidelity.agreement(), 0.5);
  add(dense, dense_logits, dense, dense_logits, fidelity);
  EXPECT_EQ(fidelity.mean(), 0.75);
  EXPECT_EQ(fidelity.agreement(), 0.75);
}

TEST(Fidelity, TellsStandardErrors) {
  EXPECT_EQ(estimate({}).mean, 0);
  const std::vector<double> one = {3};
  EXPECT_EQ(estimate(one).mean, 3);
  EXPECT_EQ(estimate(one).error, 0);
  const std::vector<double> values = {1, 2, 3, 6};  // of variance 14 / 3
  EXPECT_EQ(estimate(values).mean, 3);
  EXPECT_NEAR(estimate(values).error, std::sqrt(14.0 / 3 / 4), 1e-15);
  Fidelity a;
  Fidelity b;
  a.cosines = {0.9, 0.8, 0.7};
  b.cosines = {0.8, 0.7, 0.6};
  EXPECT_NEAR(difference(a, b).mean, 0.1, 1e-15);
  EXPECT_NEAR(difference(a, b).error, 0, 1e-15) << "on every picture the same";
}

}  // namespace
}  // namespace fovea
