#include "fovea/tokens/salience.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fovea/tokens/partitions.h"

namespace fovea {
namespace {

TEST(SpareSalient, WeakensEdgesByTheLessSalientToken) {
  // A: 2, 4 and 7; the class tokens 0 and 5 don't count in the means 2 and 3.
  const Sequences sequences = {0, 5, 8};
  const Partition p = alternate(sequences, 1);
  Edges edges{{0.5F, 0.6F, 0.7F}, {1, 3, 6}};
  spare_salient(edges, p, sequences, 1, std::vector<float>{9, 1, 4, 2, 1, 9, 3, 3});
  const auto half = static_cast<float>(std::pow(0.5, 0.2));
  EXPECT_THAT(edges.score, testing::Pointwise(testing::FloatNear(1e-6F),
                                              {1 - 0.5F * half, 1 - 0.4F * half, 0.7F}));
  EXPECT_THAT(edges.target, testing::ElementsAre(1, 3, 6));
}

}  // namespace
}  // namespace fovea
