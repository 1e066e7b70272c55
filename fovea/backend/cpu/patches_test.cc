// Cutting inputs into patches: pictures of any number of channels, and tubes of frames.
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <tuple>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {
namespace {

// What of value `value` of patch `patch` is which value of the input, by the definition.
int64_t origin(const Input& input, const Grid& each, int64_t batch, int64_t patch, int64_t value) {
  const Grid grid = input.grid / each;
  const int64_t column = patch % grid.columns * each.columns + value % each.columns;
  const int64_t row =
      patch / grid.columns % grid.rows * each.rows + value / each.columns % each.rows;
  const int64_t frame =
      patch / grid.frame_size() * each.frames + value / each.frame_size() % each.frames;
  const int64_t channel = batch * input.channels + value / each.size();
  return ((channel * input.grid.frames + frame) * input.grid.rows + row) * input.grid.columns +
         column;
}

TEST(Patches, AreTubesInTheOrderOfTimeRowsAndColumns) {
  for (const auto& [channels, size, each] :
       {std::tuple(3, Grid(4, 6), Grid(2, 3)), std::tuple(1, Grid(6, 8), Grid(3, 2)),
        std::tuple(3, Grid(4, 4, 9), Grid(2, 2, 3)), std::tuple(2, Grid(3, 2, 2), Grid(1, 2, 1))}) {
    std::vector<float> values(2 * channels * size.size());
    std::iota(values.begin(), values.end(), 0.0F);
    const Input input{values.data(), 2, channels, size};
    Cpu cpu(levels::kScalar, Dtype::f32, std::make_shared<Threads>(2));
    const Array cut = cpu.read(cpu.patches(input, each, {}));
    const int64_t patches = (size / each).size();
    const int64_t width = channels * each.size();
    ASSERT_EQ(static_cast<int64_t>(cut.data.size()), 2 * patches * width);
    for (int64_t i = 0; i < 2 * patches * width; ++i) {
      const int64_t from = origin(input, each, i / width / patches, i / width % patches, i % width);
      ASSERT_EQ(cut.data[i], static_cast<float>(from)) << i << " of patches of " << each.frames;
    }
  }
}

}  // namespace
}  // namespace fovea
