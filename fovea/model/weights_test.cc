#include "fovea/model/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace fovea {
namespace {

using testing::Each;

double deviation(const Array& values) {
  double squares = 0;
  for (const float value : values.data) squares += value * value;
  return std::sqrt(squares / static_cast<double>(values.data.size()));
}

TEST(InitialWeights, AreThoseOfTimm) {
  InitialWeights weights(1, 1e-4F);
  EXPECT_THAT(weights.read("x", {8}, Start::one).data, Each(1));
  EXPECT_THAT(weights.read("x", {8}, Start::zero).data, Each(0));
  EXPECT_THAT(weights.read("x", {8}, Start::scale).data, Each(1e-4F));
  for (const Start start : {Start::normal, Start::joining}) {
    const Array linear = weights.read("head.weight", {100, 400}, start);
    double sum = 0;
    for (const float value : linear.data) sum += value;
    EXPECT_NEAR(sum / 40000, 0, 5e-4);
    EXPECT_NEAR(deviation(linear), 0.02, 5e-4);
  }
  const Array patches = weights.read("patch_embed.proj.weight", {50, 3, 4, 4}, Start::convolution);
  const auto [least, most] = std::minmax_element(patches.data.begin(), patches.data.end());
  EXPECT_NEAR(*most, 1 / std::sqrt(48), 2e-3);
  EXPECT_NEAR(*least, -1 / std::sqrt(48), 2e-3);
}

TEST(InitialWeights, FollowSeedAndName) {
  const auto draw = [](uint64_t seed, const std::string& name) {
    return InitialWeights(seed, 1).read(name, {3, 3}, Start::normal).data;
  };
  EXPECT_EQ(draw(1, "head.weight"), draw(1, "head.weight"));
  EXPECT_NE(draw(1, "head.weight"), draw(2, "head.weight"));
  EXPECT_NE(draw(1, "head.weight"), draw(1, "head_dist.weight"));
}

TEST(RandomWeights, LetNothingVanish) {
  RandomWeights weights(1);
  EXPECT_THAT(weights.read("x", {8}, Start::one).data, Each(1));
  EXPECT_THAT(weights.read("x", {8}, Start::scale).data, Each(1));
  EXPECT_THAT(weights.read("x", {8}, Start::zero).data, Each(0));
  for (const Start start : {Start::normal, Start::convolution, Start::joining})
    EXPECT_NEAR(deviation(weights.read("x", {100, 400}, start)), 0.02, 5e-4);
}

}  // namespace
}  // namespace fovea
