#include "fovea/model/relative.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fovea {
namespace {

using testing::ElementsAre;

TEST(ResampleBiases, KeepsTheSameGridAndTheLastRows) {
  Array table({3 * 3 + 3, 2});
  for (size_t i = 0; i < table.data.size(); ++i) table.data[i] = static_cast<float>(i);
  EXPECT_EQ(resample_biases(table, {2, 2}, {2, 2}).data, table.data);
  const Array larger = resample_biases(table, {2, 2}, {3, 1});
  EXPECT_EQ(larger.shape, (Shape{5 * 1 + 3, 2}));
  EXPECT_EQ(std::vector<float>(larger.data.end() - 6, larger.data.end()),
            std::vector<float>(table.data.end() - 6, table.data.end()));
}

// torch.nn.functional.interpolate([0, 1, 2], 5, mode="bilinear") of one axis.
TEST(ResampleBiases, IsBilinearWithHalfPixelCentres) {
  Array table({3 + 3, 1}, {0, 1, 2, 7, 8, 9});
  const Array out = resample_biases(table, {2, 1}, {3, 1});
  EXPECT_THAT(out.data, ElementsAre(testing::FloatNear(0, 1e-6), testing::FloatNear(0.4, 1e-6),
                                    testing::FloatNear(1, 1e-6), testing::FloatNear(1.6, 1e-6),
                                    testing::FloatNear(2, 1e-6), 7, 8, 9));
}

}  // namespace
}  // namespace fovea
