#include "fovea/model/architecture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/io/testing.h"
#include "fovea/model/checkpoint.h"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Architecture golden(const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path(FOVEA_TEST_DATA) / "goldens" / name;
  return infer_architecture(Checkpoint::open(folder), read_config(folder));
}

TEST(InferArchitecture, ReadsShapes) {
  const Architecture vit = golden("vit-odd");
  EXPECT_EQ(vit.width, 80);
  EXPECT_EQ(vit.depth, 3);
  EXPECT_EQ(vit.heads, 5);
  EXPECT_EQ(vit.mlp_width, 320);
  EXPECT_EQ(vit.classes, 7);
  EXPECT_EQ(vit.prefix(), 1);
  EXPECT_THAT(vit.patch, ElementsAre(8, 8));
  EXPECT_EQ(golden("deit-distilled").prefix(), 2);
  EXPECT_EQ(golden("dinov2-registers").prefix(), 5);
  EXPECT_EQ(golden("no-class-token").pooling, Pooling::average);
  EXPECT_EQ(golden("parallel").branches, 2);
  EXPECT_EQ(golden("timm-parallel").branches, 2);
  EXPECT_TRUE(golden("parallel").layer_scale);
  EXPECT_FALSE(golden("parallel-plain").layer_scale);
  EXPECT_TRUE(golden("mae-avgpool").fc_norm);
  EXPECT_FALSE(golden("mae-avgpool").final_norm);
  EXPECT_EQ(golden("hmlp").stem, Stem::hmlp);
  EXPECT_THAT(golden("hmlp").patch, ElementsAre(16, 16));
}

Architecture with_positions(int rows, int registers = 0) {
  Architecture a;
  a.patch = {8, 8};
  a.class_token = true;
  a.registers = registers;
  a.position_rows = rows;
  return a;
}

void expect_layout(const PositionLayout& layout, int prefix, int grid_rows, int grid_columns) {
  EXPECT_EQ(layout.prefix, prefix);
  EXPECT_THAT(layout.grid, ElementsAre(grid_rows, grid_columns));
}

TEST(PositionLayout, ReadsTheTableByTheContract) {
  expect_layout(position_layout(with_positions(36), {6, 6}), 0, 6, 6);
  expect_layout(position_layout(with_positions(37), {6, 6}), 1, 6, 6);
  expect_layout(position_layout(with_positions(37), {4, 9}), 1, 4, 9);
  expect_layout(position_layout(with_positions(41, 4), {6, 6}), 5, 6, 6);
  expect_layout(position_layout(with_positions(37, 4), {6, 6}), 1, 6, 6);
  // Of another size: a square less its prefix.
  expect_layout(position_layout(with_positions(37), {8, 10}), 1, 6, 6);
  expect_layout(position_layout(with_positions(36), {8, 10}), 0, 6, 6);
  expect_layout(position_layout(with_positions(37, 4), {8, 10}), 1, 6, 6);
}

TEST(PositionLayout, TakesTheGridFromTheConfig) {
  Architecture a = with_positions(4 * 9 + 1);
  a.image_size = {32, 72};
  expect_layout(position_layout(a, {8, 10}), 1, 4, 9);
  Architecture b = with_positions(2 * 3 + 1);
  b.input_size = {16, 24};
  expect_layout(position_layout(b, {8, 10}), 1, 2, 3);
}

TEST(PositionLayout, SaysWhereTheGridCanNotBeTold) {
  EXPECT_THAT(
      error_of([] {
        position_layout(with_positions(32), {8, 10});
      }),
      HasSubstr("position embedding of 32 rows: its grid can't be told for 8 x 10 patches"));
}

TEST(NamedArchitecture, KnowsTimmsNames) {
  const Architecture small = named_architecture("vit_small_patch16_224");
  EXPECT_EQ(small.parameters, 22'050'664);
  EXPECT_EQ(named_architecture("deit_base_patch16_384").parameters, 86859496);
  EXPECT_EQ(named_architecture("vit_huge_patch14_224").heads, 16);
  EXPECT_EQ(named_architecture("vit_tiny_patch16_224x384").position_rows, 14 * 24 + 1);
}

TEST(NamedArchitecture, SaysWhatIsPossible) {
  for (const char* name :
       {"resnet50", "vit_giant_patch14_224", "vit_small_patch15_225", "vit_small_patch16_225",
        "vit_small_patch16_", "vit_small_patch16_0", "vit_small_patch16_224x",
        "vit_small_patch16_99999", "vit_small_patch16_224 ", "vit_small_224"}) {
    EXPECT_THAT(error_of([&] { named_architecture(name); }), HasSubstr("expected (vit|deit)_"))
        << name;
  }
}

// The formula that the peers' figures are counted with.
double plain_gflops(double c, int depth, double patch, double image, int r) {
  double n = (image / patch) * (image / patch) + 1;
  double total = (n - 1) * 3 * patch * patch * c;
  for (int layer = 0; layer < depth; ++layer) {
    const double m = n - std::min<double>(r, std::floor((n - 1) / 2));
    total += 4 * c * c * n + 2 * n * n * c + 8 * c * c * m;
    n = m;
  }
  return 2 * total / 1e9;
}

TEST(Cost, CountsMatrixProducts) {
  for (const int r : {0, 13, 100}) {
    const Architecture a = named_architecture("vit_small_patch16_224");
    EXPECT_NEAR(cost(a, 224, 224, std::vector<int>(12, r)).gflops,
                plain_gflops(384, 12, 16, 224, r), 1e-9);
  }
}

TEST(Cost, CountsTokensThatLeaveEachLayer) {
  const Architecture a = golden("deit-distilled");
  EXPECT_THAT(cost(a, 48, 48, {5, 5, 5}).tokens_per_layer, ElementsAre(33, 28, 23));
  EXPECT_THAT(cost(a, 48, 48, {100, 100, 100}).tokens_per_layer, ElementsAre(20, 11, 7));
}

TEST(Cost, CountsBranchesAndTheStem) {
  Architecture a = golden("parallel");
  const double two = cost(a, 48, 48, {0, 0, 0}).gflops;
  a.branches = 1;
  const double one = cost(a, 48, 48, {0, 0, 0}).gflops;
  const double stem = 2e-9 * 36 * 3 * 64 * 48;
  EXPECT_NEAR(two - stem, 2 * (one - stem), 1e-12);
  Architecture h = golden("hmlp");
  const double hmlp = cost(h, 64, 64, {0, 0, 0}).gflops;
  h.stem = Stem::linear;
  const double linear = cost(h, 64, 64, {0, 0, 0}).gflops;
  const double difference = 16 * (768 * 48 / 4 + 48 * 48 + 48 * 48) - 16 * 768 * 48;
  EXPECT_NEAR(hmlp - linear, 2e-9 * difference, 1e-12);
}

}  // namespace
}  // namespace fovea
