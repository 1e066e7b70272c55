// The operations of routing against plain loops, at every level.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {
namespace {

constexpr int64_t kChannels = 21;

class RoutingOperations : public testing::TestWithParam<InstructionSet> {
 protected:
  Array random_array(const Shape& shape) {
    Array values(shape);
    std::normal_distribution<float> distribution;
    for (float& value : values.data) value = distribution(generator_);
    return values;
  }
  Tensor random_tensor(const Sequences& sequences, int64_t channels) {
    const int64_t stride = row_stride(channels);
    const Array values = random_array({sequences.back(), stride});
    Tensor x(std::make_shared<Sequences>(sequences), channels, stride,
             allocate_floats(sequences.back() * stride));
    std::copy(values.data.begin(), values.data.end(), x.row(0));
    return x;
  }

  static void expect_equal(const Tensor& got, const Tensor& want) {
    ASSERT_EQ(got.sequences(), want.sequences());
    for (int64_t i = 0; i < got.rows(); ++i) {
      for (int64_t c = 0; c < got.channels(); ++c) EXPECT_NEAR(got.row(i)[c], want.row(i)[c], 1e-4);
    }
  }

  std::mt19937 generator_{1};
  const Sequences all_ = {0, 5, 12};
  const Route route_ = {{0, 2, 5}, {0, 3, 5, 8, 11}};
  Cpu cpu_{GetParam(), Dtype::f32, std::make_shared<Threads>(2)};
};

TEST_P(RoutingOperations, ScoresAreSoftmaxAndOneForProtectedTokens) {
  const Tensor x = random_tensor(all_, kChannels);
  const Array weight = random_array({2, kChannels});
  const Array bias = random_array({2});
  const Tensor scores = cpu_.keep_scores(x, cpu_.make_exact_linear({weight}, {bias}), 2);
  ASSERT_EQ(scores.channels(), 1);
  for (int64_t i = 0; i < x.rows(); ++i) {
    double logits[2];
    for (int64_t j = 0; j < 2; ++j) {
      logits[j] = bias.data[j];
      for (int64_t c = 0; c < kChannels; ++c) {
        logits[j] += static_cast<double>(weight.data[j * kChannels + c]) * x.row(i)[c];
      }
    }
    const bool is_protected = i < 2 || i == 5 || i == 6;
    const double keep = std::exp(logits[1]) / (std::exp(logits[0]) + std::exp(logits[1]));
    EXPECT_NEAR(*scores.row(i), is_protected ? 1 : keep, 1e-5) << i;
  }
}

TEST_P(RoutingOperations, RowsComeAndGo) {
  const Tensor x = random_tensor(all_, kChannels);
  const Array before = cpu_.read(x);
  const Tensor selected = cpu_.gather(x, route_);
  EXPECT_EQ(selected.sequences(), route_.first);
  const Tensor update = random_tensor(route_.first, kChannels);
  const Tensor scores = random_tensor(route_.first, 1);
  const Tensor gated = cpu_.add_gated(selected, update, scores, {0.5F});
  Tensor put = cpu_.put(random_tensor(all_, kChannels), gated, route_);
  const Tensor changed = cpu_.add_change(x, selected, gated, route_, {0.25F});
  for (int32_t row = 0, next = 0; row < all_.back(); ++row) {
    const bool is_selected = next < 5 && route_.rows[next] == row;
    for (int64_t c = 0; c < kChannels; ++c) {
      const float old = before.data[row * kChannels + c];
      const float change =
          is_selected ? (1 + 0.5F * *scores.row(next)) * update.row(next)[c] : 0.0F;
      EXPECT_NEAR(changed.row(row)[c], old + 0.25F * change, 1e-5);
      if (!is_selected) continue;
      EXPECT_EQ(selected.row(next)[c], old);
      EXPECT_NEAR(gated.row(next)[c], old + change, 1e-5);
      EXPECT_EQ(put.row(row)[c], gated.row(next)[c]);
    }
    if (is_selected) ++next;
  }
}

// Those that ask get what they get where all ask.
TEST_P(RoutingOperations, SemiCrossAttentionIsAPartOfAttention) {
  constexpr int kHeads = 3;
  const Tensor x = random_tensor(all_, kChannels);
  const Array weight = random_array({3 * kChannels, kChannels});
  const Array bias = random_array({3 * kChannels});
  const CpuNorm norm =
      cpu_.make_norm({random_array({kChannels})}, {random_array({kChannels})}, 1e-6);
  const CpuQkv joint = cpu_.make_qkv({weight}, {bias}, kHeads);
  const Tensor want = cpu_.attention(cpu_.project(x, norm, joint, false), kHeads, {});
  const Tensor got =
      cpu_.attention(cpu_.project(cpu_.gather(x, route_), x, norm, joint, false), kHeads, {});
  EXPECT_EQ(got.sequences(), route_.first);
  for (int64_t i = 0; i < got.rows(); ++i) {
    for (int64_t c = 0; c < kChannels; ++c) {
      EXPECT_NEAR(got.row(i)[c], want.row(route_.rows[i])[c], 1e-5);
    }
  }
}

// By which tokens match: what rounding takes of the keys is given back in bf16 as well.
TEST_P(RoutingOperations, FeaturesAreThoseOfWhereAllAsk) {
  constexpr int kHeads = 3;
  const Tensor x = random_tensor(all_, kChannels);
  const Array weight = random_array({3 * kChannels, kChannels});
  const Array bias = random_array({3 * kChannels});
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    Cpu cpu(GetParam(), dtype, std::make_shared<Threads>(2));
    const CpuNorm norm =
        cpu.make_norm({random_array({kChannels})}, {random_array({kChannels})}, 1e-6);
    const CpuQkv joint = cpu.make_qkv({weight}, {bias}, kHeads);
    const CpuProjection all[] = {cpu.project(x, norm, joint, true)};
    const CpuProjection some[] = {cpu.project(cpu.gather(x, route_), x, norm, joint, true)};
    for (const QkvPart part : {QkvPart::k, QkvPart::v}) {
      expect_equal(cpu.head_mean(some, part, kHeads), cpu.head_mean(all, part, kHeads));
      expect_equal(cpu.head_concat(some, part), cpu.head_concat(all, part));
    }
    const std::vector<float> seen = cpu.class_attention(some, kHeads, {});
    const std::vector<float> want = cpu.class_attention(all, kHeads, {});
    for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(seen[i], want[i], 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, RoutingOperations, testing::ValuesIn(available_levels()),
                         [](const auto& info) { return to_string(info.param); });

}  // namespace
}  // namespace fovea
