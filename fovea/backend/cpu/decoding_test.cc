// What a decoder of masks asks of the CPU backend, against plain loops, at every level and in both
// number formats.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include "fovea/backend/cpu/cpu.h"
#include "tests/compare.h"

namespace fovea {
namespace {

Array random_array(const Shape& shape, uint32_t seed) {
  Array array(shape);
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  for (float& value : array.data) value = normal(generator);
  return array;
}

class Decoding : public testing::TestWithParam<std::tuple<InstructionSet, Dtype>> {
 protected:
  Cpu cpu{std::get<0>(GetParam()), std::get<1>(GetParam()), std::make_shared<Threads>(2)};

  // Rows shared out to images of these lengths.
  Tensor write(const Array& rows, Sequences first) {
    std::vector<int32_t> all(rows.shape[0]);
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int32_t>(i);
    return cpu.gather(cpu.write(rows), {std::move(first), std::move(all)});
  }

  // Through a linear layer that changes nothing, which takes what a product left in any format.
  Array read_product(const Tensor& x) {
    const int64_t width = x.channels();
    Array identity({width, width});
    for (int64_t i = 0; i < width; ++i) identity.data[i * width + i] = 1;
    return cpu.read(cpu.linear(x, cpu.make_linear({identity}, {})));
  }

  void expect_near(const Array& got, const Array& want) const {
    EXPECT_LT(relative_error(got, want), std::get<1>(GetParam()) == Dtype::f32 ? 3e-6 : 2e-2);
  }
};

TEST_P(Decoding, SumsRepeatTheRowsOfTheSecond) {
  for (const int64_t width : {1, 5, 32, 256}) {
    const Array x = random_array({12, width}, 1);
    for (const int64_t rows : {1, 4, 6, 12}) {
      const Array y = random_array({rows, width}, 2);
      Array want = x;
      for (int64_t i = 0; i < 12 * width; ++i) want.data[i] += y.data[i % (rows * width)];
      const Tensor sum = cpu.add(write(x, {0, 5, 12}), cpu.write(y));
      EXPECT_EQ(cpu.sequences(sum), (Sequences{0, 5, 12}));
      EXPECT_EQ(cpu.read(sum).data, want.data);
      expect_near(read_product(cpu.add(cpu.write(x), cpu.write(y), Precision::product)), want);
    }
  }
}

TEST_P(Decoding, ProductsAreOfImageByImage) {
  for (const int64_t depth : {3, 32, 64}) {
    for (const int64_t columns : {1, 4, 37}) {
      const Array x = random_array({50, depth}, 3);
      const Array w = random_array({2 * columns, depth}, 4);
      Array want({50, columns});
      for (int64_t i = 0; i < 50 * columns; ++i) {
        const int64_t row = i / columns;
        const int64_t other = i % columns + (row < 20 ? 0 : columns);
        double sum = 0;
        for (int64_t c = 0; c < depth; ++c) {
          sum += double{x.data[row * depth + c]} * w.data[other * depth + c];
        }
        want.data[i] = static_cast<float>(sum);
      }
      const auto count = static_cast<int32_t>(columns);
      const Tensor got = cpu.product(write(x, {0, 20, 50}), write(w, {0, count, 2 * count}));
      EXPECT_EQ(cpu.sequences(got), (Sequences{0, 20, 50}));
      EXPECT_LT(relative_error(cpu.read(got), want), 3e-6);
    }
  }
}

TEST_P(Decoding, NormsMayHaveAnActivationBehindThem) {
  for (const int64_t width : {4, 19, 64}) {
    const Array x = random_array({35, width}, 5);
    const Cpu::Norm norm =
        cpu.make_norm({random_array({width}, 6)}, {random_array({width}, 7)}, 1e-6);
    Array want = cpu.read(cpu.layer_norm(cpu.write(x), norm));
    for (float& value : want.data) {
      value *= 0.5F * (1 + std::erf(value / std::sqrt(2.0F)));
    }
    const auto run = [&](Precision precision) {
      return cpu.norm_activation(cpu.write(x), norm, Activation::gelu, precision);
    };
    EXPECT_LT(relative_error(cpu.read(run(Precision::single)), want), 3e-6);
    expect_near(read_product(run(Precision::product)), want);
  }
}

TEST_P(Decoding, UnfoldingIsATransposedConvolution) {
  // 2 x 3 cells become 4 x 6; of 1,024 channels rows lie apart.
  for (const auto& [in, out] : {std::pair<int64_t, int64_t>(8, 3), {5, 256}}) {
    const Array x = random_array({6, in}, 8);
    const Array weight = random_array({in, out, 2, 2}, 9);
    const Array bias = random_array({out}, 10);
    const Tensor folded = cpu.linear(cpu.write(x), cpu.make_unfolding({weight}, {bias}));
    const Tensor fine = cpu.unfold(folded, 4);
    EXPECT_EQ(cpu.sequences(fine), (Sequences{0, 24}));
    Array want({24, out});
    for (int64_t row = 0; row < 24; ++row) {
      for (int64_t o = 0; o < out; ++o) {
        double sum = bias.data[o];
        for (int64_t i = 0; i < in; ++i) {
          sum += double{x.data[row / 4 * in + i]} * weight.data[(i * out + o) * 4 + row % 4];
        }
        want.data[row * out + o] = static_cast<float>(sum);
      }
    }
    expect_near(cpu.read(fine), want);
    EXPECT_EQ(cpu.read(cpu.fold(fine, 4)).data, cpu.read(folded).data);
  }
}

TEST_P(Decoding, TablesAreJoined) {
  const std::vector<Cpu::Rows> tables = {random_array({1, 6}, 11), random_array({1, 3, 6}, 12)};
  Array want({4, 6}, tables[0].data);
  want.data.insert(want.data.end(), tables[1].data.begin(), tables[1].data.end());
  const Tensor joined = cpu.join(tables);
  EXPECT_EQ(cpu.sequences(joined), (Sequences{0, 4}));
  EXPECT_EQ(cpu.read(joined).data, want.data);
}

TEST_P(Decoding, WhatIsKeptOutlivesTheBackend) {
  const Array rows = random_array({7, 9}, 13);
  Tensor kept;
  {
    Cpu other(std::get<0>(GetParam()), std::get<1>(GetParam()), std::make_shared<Threads>(1));
    const Tensor x = other.write(rows);
    kept = Cpu::keep(Cpu::columns(x, 2, 5));
    EXPECT_NE(kept.row(0), x.row(0) + 2);
  }
  Array want({7, 5});
  for (int64_t i = 0; i < 35; ++i) want.data[i] = rows.data[i / 5 * 9 + 2 + i % 5];
  EXPECT_EQ(cpu.read(kept).data, want.data);
}

INSTANTIATE_TEST_SUITE_P(All, Decoding,
                         testing::Combine(testing::ValuesIn(available_levels()),
                                          testing::Values(Dtype::f32, Dtype::bf16)),
                         [](const auto& info) {
                           return to_string(std::get<0>(info.param)) +
                                  (std::get<1>(info.param) == Dtype::f32 ? "_f32" : "_bf16");
                         });

}  // namespace
}  // namespace fovea
