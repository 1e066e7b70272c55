// Cutting inputs into patches: pictures of any number of channels, and tubes of frames.
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <tuple>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {
namespace {

// What of value `value` of patch `patch` is which value of the input, by the definition.
int64_t origin(const Input& input, const Grid& each, const Grid& step, int64_t batch, int64_t patch,
               int64_t value) {
  const Grid grid = places_within(input.grid, each, step);
  const int64_t column = patch % grid.columns * step.columns + value % each.columns;
  const int64_t row =
      patch / grid.columns % grid.rows * step.rows + value / each.columns % each.rows;
  const int64_t frame =
      patch / grid.frame_size() * step.frames + value / each.frame_size() % each.frames;
  const int64_t channel = batch * input.channels + value / each.size();
  return ((channel * input.grid.frames + frame) * input.grid.rows + row) * input.grid.columns +
         column;
}

TEST(Patches, AreTubesInTheOrderOfTimeRowsAndColumns) {
  const std::tuple<int, Grid, Grid, Grid> cases[] = {
      {3, {4, 6}, {2, 3}, {2, 3}},          {1, {6, 8}, {3, 2}, {3, 2}},
      {3, {4, 4, 9}, {2, 2, 3}, {2, 2, 3}}, {2, {3, 2, 2}, {1, 2, 1}, {1, 2, 1}},
      {1, {13, 10}, {4, 4}, {2, 3}},         // they overlap, and leave a margin
      {2, {6, 5, 5}, {2, 2, 3}, {1, 3, 2}},  // some lie apart
  };
  for (const auto& [channels, size, each, step] : cases) {
    std::vector<float> values(2 * channels * size.size());
    std::iota(values.begin(), values.end(), 0.0F);
    const Input input{values.data(), 2, channels, size};
    Cpu cpu(levels::kScalar, Dtype::f32, std::make_shared<Threads>(2));
    const Array cut = cpu.read(cpu.patches(input, each, step, {}));
    const int64_t patches = places_within(size, each, step).size();
    const int64_t width = channels * each.size();
    ASSERT_EQ(static_cast<int64_t>(cut.data.size()), 2 * patches * width);
    for (int64_t i = 0; i < 2 * patches * width; ++i) {
      const int64_t from =
          origin(input, each, step, i / width / patches, i / width % patches, i % width);
      ASSERT_EQ(cut.data[i], static_cast<float>(from)) << i << " of patches of " << each.frames;
    }
  }
}

TEST(Patches, FitWhereTheyAreWholeAtEachStep) {
  EXPECT_EQ(places_within({128, 1024}, {16, 16}, {10, 10}), Grid(12, 101));
  EXPECT_EQ(places_within({16, 224, 224}, {2, 16, 16}, {2, 16, 16}), Grid(8, 14, 14));
  EXPECT_EQ(places_within({384, 384}, {14, 14}, {14, 14}), Grid(27, 27));
  EXPECT_TRUE(places_within({1, 15, 16}, {1, 16, 16}, {1, 1, 1}).empty());
}

TEST(Patches, OfWhatIsTransposedSeeColumnsAsRows) {
  std::vector<float> values(2 * 2 * 3);
  std::iota(values.begin(), values.end(), 0.0F);
  std::vector<float> memory;
  const Input turned = transposed({values.data(), 2, 1, {2, 3}}, memory);
  EXPECT_EQ(turned.grid, Grid(3, 2));
  EXPECT_EQ(memory, std::vector<float>({0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}));
  EXPECT_EQ(turned.data, memory.data());
}

}  // namespace
}  // namespace fovea
