// What families beyond the plain ViT ask of the CPU backend, against plain loops, at every level
// and in both number formats.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include "fovea/backend/cpu/cpu.h"
#include "tests/compare.h"

namespace fovea {
namespace {

Array random_array(const Shape& shape, uint32_t seed, float scale = 1) {
  Array array(shape);
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, scale);
  for (float& value : array.data) value = normal(generator);
  return array;
}

Array columns_of(const Array& rows, int64_t begin, int64_t count) {
  Array out({rows.shape[0], count});
  for (int64_t i = 0; i < out.shape[0] * count; ++i)
    out.data[i] = rows.data[i / count * rows.shape[1] + begin + i % count];
  return out;
}

class Operations : public testing::TestWithParam<std::tuple<InstructionSet, Dtype>> {
 protected:
  Cpu make() const {
    return {std::get<0>(GetParam()), std::get<1>(GetParam()), std::make_shared<Threads>(2)};
  }
  bool is_exact() const { return std::get<1>(GetParam()) == Dtype::f32; }
  void expect_near(const Array& got, const Array& want) const {
    ASSERT_EQ(elements(got.shape), elements(want.shape));
    EXPECT_LT(relative_error(got, want), is_exact() ? 3e-6 : 2e-2);
  }
};

TEST_P(Operations, GatedLayersAreProductsOfTwo) {
  Cpu cpu = make();
  for (const int64_t out : {1, 17, 40}) {
    const Array weight = random_array({2 * out, 25}, 1, 0.3F);
    const Array bias = random_array({2 * out}, 2);
    const Cpu::Linear both = cpu.make_linear({weight}, {bias});
    const Cpu::Linear gated = cpu.make_gated_linear({weight}, {bias});
    const Cpu::Linear plain = cpu.make_gated_linear({weight}, {});
    const Cpu::Norm norm = cpu.make_rms_norm({random_array({25}, 3)}, 1e-5);
    const Tensor x = cpu.write(random_array({21, 25}, 4));
    const Array halves =
        cpu.read(cpu.norm_linear(x, norm, both, Activation::none, Precision::single));
    Array want({21, out});
    for (int64_t i = 0; i < 21 * out; ++i) {
      const double gate = halves.data[i / out * 2 * out + i % out];
      want.data[i] = static_cast<float>(gate / (1 + std::exp(-gate)) *
                                        halves.data[i / out * 2 * out + out + i % out]);
    }
    expect_near(cpu.read(cpu.norm_linear(x, norm, gated, Activation::silu, Precision::single)),
                want);
    // As an input of the next product, and without a norm before.
    const Cpu::Linear next = cpu.make_linear({random_array({5, out}, 5)}, {});
    expect_near(cpu.read(cpu.linear(cpu.norm_linear(x, norm, gated, Activation::silu), next)),
                cpu.read(cpu.linear(cpu.write(want), next)));
    const Tensor normed = cpu.layer_norm(x, norm);
    expect_near(cpu.read(cpu.linear(normed, gated, Activation::silu)), want);
    EXPECT_GT(relative_error(cpu.read(cpu.linear(normed, plain, Activation::silu)), want), 0.1);
  }
}

TEST_P(Operations, ProjectionsOfAnyWidthAreColumnsOfOneProduct) {
  Cpu cpu = make();
  for (const int64_t width : {6, 50, 64}) {
    const Array weight = random_array({3 * width, 24}, 1, 0.3F);
    const Array bias = random_array({3 * width}, 2);
    const Cpu::Norm norm = cpu.make_norm({random_array({24}, 3)}, {}, 1e-6);
    const Tensor x = cpu.write(random_array({19, 24}, 4));
    for (const bool has_bias : {true, false}) {
      const Weight of = has_bias ? Weight{bias} : Weight{};
      const Cpu::Qkv qkv = cpu.make_qkv({weight}, of, 2);
      const Array joint = cpu.read(cpu.norm_linear(x, norm, cpu.make_linear({weight}, of),
                                                   Activation::none, Precision::single));
      const CpuProjection seen = cpu.project(x, norm, qkv, false);
      const CpuProjection cross = cpu.project(cpu.token(x, 0), x, norm, qkv, false);
      EXPECT_EQ(cpu.read(seen.q).data, columns_of(joint, 0, width).data);
      EXPECT_EQ(cpu.read(seen.k).data, columns_of(joint, width, width).data);
      EXPECT_EQ(cpu.read(seen.v).data, columns_of(joint, 2 * width, width).data);
      EXPECT_EQ(cpu.read(cross.k).data, cpu.read(seen.k).data);
      EXPECT_EQ(cpu.read(cross.v).data, cpu.read(seen.v).data);
      EXPECT_EQ(cpu.read(cross.q).data, cpu.read(cpu.token(seen.q, 0)).data);
      EXPECT_EQ(cpu.read(Cpu::columns(seen.v, 2, 3)).data,
                columns_of(joint, 2 * width + 2, 3).data);
    }
  }
}

TEST_P(Operations, HeadsAreNormedApart) {
  Cpu cpu = make();
  const Array rows = random_array({9, 24}, 1);
  const Array gamma = random_array({8}, 2);
  Array apart = rows;
  apart.shape = {27, 8};
  for (const Cpu::Norm& norm :
       {cpu.make_norm({gamma}, {random_array({8}, 3)}, 1e-6), cpu.make_rms_norm({gamma}, 1e-6)}) {
    const Array want = cpu.read(cpu.layer_norm(cpu.write(apart), norm));
    EXPECT_EQ(cpu.read(cpu.head_norm(cpu.write(rows), norm, 3)).data, want.data);
  }
}

// Two images of 1 + 2 x 3 and 1 + 2 tokens, 2 heads.
struct Asked {
  static constexpr int kHeads = 2;
  static constexpr int64_t kWidth = 8;
  static constexpr int kRows = 10;
  const Sequences first = {0, 7, 10};
  Array q = random_array({kRows, kHeads* kWidth}, 1);
  Array k = random_array({kRows, kHeads* kWidth}, 2);
  Array v = random_array({kRows, kHeads * 3}, 3);
  Array table = random_array({3 * 5 + 3, kHeads}, 4);
  TokenState state;
  Turns turns;

  Asked() {
    state.prefix = 1;
    state.grid = {2, 3};
    for (int i = 0; i < kRows; ++i) {
      const int patch = i < 7 ? i - 1 : 2 * (i - 7);
      state.places.push_back({static_cast<float>(patch / 3), static_cast<float>(patch % 3)});
      state.log_sizes.push_back(0.3F * static_cast<float>(i % 4));
    }
    turns = turns_of({}, 0, first, state.places, 1, state.grid, kWidth);
  }
  double bias(int query, int key) const {
    const bool from = query == 0 || query == 7;
    const bool to = key == 0 || key == 7;
    int entry = from && to ? 17 : from ? 15 : 16;
    if (!from && !to) {
      const Place& a = state.places[query];
      const Place& b = state.places[key];
      entry = static_cast<int>((a.y - b.y + 1) * 5 + a.x - b.x + 2);
    }
    return table.data[entry * kHeads];
  }
  std::vector<double> turned(const Array& x, int row, int head) const {
    std::vector<double> out(kWidth);
    const float* from = x.data.data() + row * kHeads * kWidth + head * kWidth;
    for (int64_t i = 0; i < kWidth / 2; ++i) {
      const double cos = turns.cos[turns.at(row, head) + i];
      const double sin = turns.sin[turns.at(row, head) + i];
      out[2 * i] = from[2 * i] * cos - from[2 * i + 1] * sin;
      out[2 * i + 1] = from[2 * i + 1] * cos + from[2 * i] * sin;
    }
    return out;
  }
  // Of the first head.
  std::vector<double> weights(int query) const {
    const int image = query < 7 ? 0 : 1;
    std::vector<double> weights(kRows);
    const std::vector<double> a = turned(q, query, 0);
    double sum = 0;
    for (int key = first[image]; key < first[image + 1]; ++key) {
      const std::vector<double> b = turned(k, key, 0);
      double score = 0;
      for (int64_t c = 0; c < kWidth; ++c) score += a[c] * b[c];
      weights[key] = std::exp(score / std::sqrt(8.0) + state.log_sizes[key] + bias(query, key));
      sum += weights[key];
    }
    for (double& weight : weights) weight /= sum;
    return weights;
  }
};

Tensor with(const Tensor& x, const Sequences& first) {
  return {std::make_shared<Sequences>(first), x.channels(), x.stride(), x.shared_data()};
}

TEST_P(Operations, AttentionTurnsAndAddsBiases) {
  Cpu cpu = make();
  const Asked asked;
  const Cpu::Relative relative = cpu.make_relative({asked.table}, asked.state.grid);
  CpuProjection seen;
  seen.q = with(cpu.write(asked.q), asked.first);
  seen.k = with(cpu.write(asked.k), asked.first);
  seen.v = with(cpu.write(asked.v), asked.first);
  Cpu::Sight sight{.turns = &asked.turns, .relative = &relative, .asking = {}};
  // bf16 attention leaves what only products read: the identity shows it.
  Array identity({6, 6});
  for (int i = 0; i < 6; ++i) identity.data[i * 7] = 1;
  const Cpu::Linear itself = cpu.make_linear({identity}, {});
  const auto expect = [&](const std::vector<int32_t>& rows) {
    const Array got =
        cpu.read(cpu.linear(cpu.attention(seen, Asked::kHeads, asked.state, sight), itself));
    ASSERT_EQ(got.shape[0], static_cast<int64_t>(rows.size()));
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::vector<double> weights = asked.weights(rows[i]);
      for (int c = 0; c < 3; ++c) {
        double want = 0;
        for (int key = 0; key < Asked::kRows; ++key)
          want += weights[key] * asked.v.data[key * 6 + c];
        EXPECT_NEAR(got.data[i * 6 + c], want, is_exact() ? 3e-6 : 4e-2) << rows[i];
      }
    }
  };
  expect({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Array by_head =
      cpu.class_attention_by_head(std::span(&seen, 1), Asked::kHeads, asked.state, sight);
  for (int key = 0; key < Asked::kRows; ++key) {
    EXPECT_NEAR(by_head.data[key * 2], asked.weights(key < 7 ? 0 : 7)[key], 2e-6) << key;
  }
  const Route some{{0, 2, 4}, {0, 4, 8, 9}};
  seen.q = cpu.gather(seen.q, some);
  sight.asking = some.rows;
  expect(some.rows);
}

TEST_P(Operations, RotateTurnsAsAttentionDoes) {
  Cpu cpu = make();
  const Asked asked;
  const Array got =
      cpu.read(cpu.rotate(with(cpu.write(asked.k), asked.first), Asked::kHeads, asked.turns));
  for (int row = 0; row < Asked::kRows; ++row) {
    for (int head = 0; head < 2; ++head) {
      const std::vector<double> want = asked.turned(asked.k, row, head);
      for (int c = 0; c < 8; ++c) EXPECT_NEAR(got.data[row * 16 + head * 8 + c], want[c], 1e-6);
    }
  }
}

TEST_P(Operations, RowsAreRepeatedForEachImage) {
  Cpu cpu = make();
  const Array rows = random_array({1, 2, 5}, 1);
  const Tensor x = cpu.repeat(cpu.make_rows({rows}), 3);
  EXPECT_EQ(x.sequences(), (Sequences{0, 2, 4, 6}));
  for (int64_t i = 0; i < 6; ++i) {
    for (int64_t c = 0; c < 5; ++c) EXPECT_EQ(x.row(i)[c], rows.data[i % 2 * 5 + c]);
  }
}

TEST_P(Operations, WhatAttentionLeavesCanBeNormed) {
  Cpu cpu = make();
  const Asked asked;
  CpuProjection seen;
  seen.q = with(cpu.write(asked.q), asked.first);
  seen.k = with(cpu.write(asked.k), asked.first);
  seen.v = with(cpu.write(asked.v), asked.first);
  const Cpu::Norm norm = cpu.make_norm({random_array({6}, 1)}, {random_array({6}, 2)}, 1e-6);
  const Cpu::Linear w = cpu.make_linear({random_array({4, 6}, 3)}, {});
  const Tensor attended = cpu.attention(seen, Asked::kHeads, {});
  Array identity({6, 6});
  for (int i = 0; i < 6; ++i) identity.data[i * 7] = 1;
  const Tensor single = cpu.linear(attended, cpu.make_linear({identity}, {}));
  expect_near(cpu.read(cpu.layer_norm(attended, norm)), cpu.read(cpu.layer_norm(single, norm)));
  expect_near(cpu.read(cpu.linear(cpu.layer_norm(attended, norm, Precision::product), w)),
              cpu.read(cpu.norm_linear(single, norm, w, Activation::none, Precision::single)));
}

INSTANTIATE_TEST_SUITE_P(Levels, Operations,
                         testing::Combine(testing::ValuesIn(available_levels()),
                                          testing::Values(Dtype::f32, Dtype::bf16)),
                         [](const auto& info) {
                           return to_string(std::get<0>(info.param)) +
                                  (std::get<1>(info.param) == Dtype::f32 ? "_f32" : "_bf16");
                         });

}  // namespace
}  // namespace fovea
