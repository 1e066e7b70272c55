// The class token's attention, which pruning goes by, against plain loops.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {
namespace {

Tensor random_tensor(std::shared_ptr<const Sequences> sequences, int64_t channels, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  const int64_t stride = row_stride(channels);
  Tensor x(sequences, channels, stride, allocate_floats(sequences->back() * stride));
  for (int64_t i = 0; i < sequences->back() * stride; ++i) x.row(0)[i] = distribution(generator);
  return x;
}

TEST(ClassAttention, IsTheMeanOverHeadsAndBranchesWeightedBySize) {
  constexpr int kHeads = 3;
  constexpr int kWidth = 5;
  constexpr int kChannels = kHeads * kWidth;
  const auto sequences = std::make_shared<Sequences>(Sequences{0, 7, 18});
  std::vector<CpuProjection> qkv;
  for (uint32_t seed = 1; seed <= 2; ++seed) {
    const Tensor joint = random_tensor(sequences, 3 * kChannels, seed);
    qkv.push_back({{joint.columns(0, kChannels), joint.columns(kChannels, kChannels),
                    joint.columns(2 * kChannels, kChannels)}});
  }
  std::vector<float> sizes;
  std::vector<float> log_sizes;
  for (int i = 0; i < 18; ++i) {
    sizes.push_back(static_cast<float>(1 + i * 5 % 7));
    log_sizes.push_back(std::log(sizes.back()));
  }
  Cpu cpu(available_levels().front(), Dtype::f32, std::make_shared<Threads>(1));
  for (const bool proportional : {true, false}) {
    TokenState state;
    if (proportional) state.log_sizes = log_sizes;
    const std::vector<float> got = cpu.class_attention(qkv, kHeads, state);
    const Array by_head = cpu.class_attention_by_head(qkv, kHeads, state);
    ASSERT_EQ(by_head.shape, (Shape{18, 2 * kHeads}));
    std::vector<double> want(18);
    for (size_t image = 0; image < 2; ++image) {
      const int first = (*sequences)[image];
      for (int head = 0; head < 2 * kHeads; ++head) {
        const CpuProjection& branch = qkv[head / kHeads];
        const int at = head % kHeads * kWidth;
        std::vector<double> weights(18);
        double total = 0;
        for (int i = first; i < (*sequences)[image + 1]; ++i) {
          double dot = 0;
          for (int c = at; c < at + kWidth; ++c) {
            dot += static_cast<double>(branch.q.row(first)[c]) * branch.k.row(i)[c];
          }
          weights[i] = std::exp(dot / std::sqrt(kWidth)) * (proportional ? sizes[i] : 1);
          total += weights[i];
        }
        for (int i = first; i < (*sequences)[image + 1]; ++i) {
          EXPECT_NEAR(by_head.data[i * 2 * kHeads + head], weights[i] / total, 1e-6) << i;
        }
        for (int i = 0; i < 18; ++i) want[i] += weights[i] / total / (2 * kHeads);
      }
    }
    for (int i = 0; i < 18; ++i) EXPECT_NEAR(got[i], want[i], 1e-6) << i;
  }
}

}  // namespace
}  // namespace fovea
