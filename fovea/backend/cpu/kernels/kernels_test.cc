// Every kernel at every level this machine has, against plain loops in double precision.
#include "fovea/backend/cpu/kernels/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/backend/cpu/arena.h"
#include "fovea/backend/cpu/kernels/testing.h"

namespace fovea::kernels {
namespace {

std::shared_ptr<float[]> pack(const Table& t, const Product& product,
                              const std::vector<float>& rows, int64_t n, int64_t k) {
  std::shared_ptr<float[]> panels = allocate_floats(product.packed_bytes(n, k) / 4 + 1);
  product.pack_panels(rows.data(), k, n, k, 0, panel_count(t, n), panels.get());
  return panels;
}

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case Activation::quick_gelu:
      return x / (1 + std::exp(-1.702 * x));
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::relu:
      return std::max(x, 0.0);
    case Activation::none:
      break;
  }
  return x;
}

constexpr Activation kActivations[] = {Activation::none,      Activation::gelu,
                                       Activation::gelu_tanh, Activation::quick_gelu,
                                       Activation::silu,      Activation::relu};

constexpr std::pair<Epilogue, Activation> kStored[] = {
    {Epilogue::store, Activation::none},       {Epilogue::store, Activation::gelu},
    {Epilogue::store, Activation::quick_gelu}, {Epilogue::add, Activation::gelu},
    {Epilogue::add, Activation::silu},         {Epilogue::residual, Activation::none}};

std::shared_ptr<float[]> scratch_of(const Product& product, int64_t k, bool is_gated = false) {
  Gemm g;
  g.k = k;
  g.is_gated = is_gated;
  return allocate_floats(product.gemm_scratch ? product.gemm_scratch(g) : 0);
}

class KernelsTest : public LevelTest {};

TEST_P(KernelsTest, TableIsOfTheLevelAskedFor) { EXPECT_EQ(t.uses, GetParam()); }

#if defined(__x86_64__)
TEST(TableTest, EveryProductIsChosenByItself) {
  const auto bf16_needs = [](InstructionSet set) { return table(set).product(Dtype::bf16).needs; };
  EXPECT_EQ(bf16_needs(levels::kAvx512Bf16), levels::kAvx512Bf16);
  EXPECT_EQ(table(levels::kAvx512Bf16).product(Dtype::f32).needs, levels::kAvx512);
  EXPECT_EQ(bf16_needs(levels::kAvx512), levels::kAvx512);
  // A feature without what its product also needs is of no use.
  const InstructionSet lame = levels::kAvx2.either({SimdFeature::avx512_bf16});
  EXPECT_EQ(bf16_needs(lame), levels::kAvx2);
  EXPECT_EQ(table(lame).uses, levels::kAvx2);
}
#endif

struct Extents {
  int64_t m, n, k;
};

TEST_P(KernelsTest, GemmMatchesPlainLoops) {
  for (const Extents p : {Extents{1, 1, 1},
                          {3, 16, 5},
                          {14, 32, 64},
                          {15, 33, 48},
                          {29, 17, 7},
                          {61, 100, 130},
                          {3, 5, 4000}}) {
    const std::vector<float> a = random_floats(p.m * p.k, 1);
    const std::vector<float> w = random_floats(p.n * p.k, 2);
    const std::vector<float> bias = random_floats(p.n, 3);
    const std::vector<float> scale = random_floats(p.n, 4);
    const std::vector<float> old = random_floats(p.m * p.n, 5);
    const std::shared_ptr<float[]> panels = pack(t, f32, w, p.n, p.k);
    for (const auto& [epilogue, activation] : kStored) {
      std::vector<float> c = old;
      Gemm g;
      g.a = a.data();
      g.a_stride = p.k;
      g.b = panels.get();
      g.c = c.data();
      g.c_stride = p.n;
      g.m = p.m;
      g.n = p.n;
      g.k = p.k;
      g.bias = bias.data();
      g.scale = scale.data();
      g.epilogue = epilogue;
      g.activation = activation;
      f32.gemm(g, 0, p.m, 0, panel_count(t, p.n));
      for (int64_t i = 0; i < p.m; ++i) {
        for (int64_t j = 0; j < p.n; ++j) {
          double want = bias[j];
          for (int64_t x = 0; x < p.k; ++x)
            want += static_cast<double>(a[i * p.k + x]) * w[j * p.k + x];
          if (epilogue == Epilogue::add) want += old[i * p.n + j];
          want = activated(activation, want);
          if (epilogue == Epilogue::residual) want = old[i * p.n + j] + scale[j] * want;
          ASSERT_NEAR(c[i * p.n + j], want, p.k > 1000 ? 2e-4 : 2e-5)
              << p.m << 'x' << p.n << 'x' << p.k << " at " << i << ',' << j;
        }
      }
    }
  }
}

TEST_P(KernelsTest, GemmGivesTheSameBitsHoweverItIsShared) {
  const int64_t m = 37, n = 70, k = 91;
  const std::vector<float> a = random_floats(m * k, 1);
  const std::vector<float> bias = random_floats(n, 3);
  const std::shared_ptr<float[]> panels = pack(t, f32, random_floats(n * k, 2), n, k);
  std::vector<float> whole(m * n), parts(m * n);
  Gemm g;
  g.a = a.data();
  g.a_stride = k;
  g.b = panels.get();
  g.c = whole.data();
  g.c_stride = n;
  g.m = m;
  g.n = n;
  g.k = k;
  g.bias = bias.data();
  g.activation = Activation::gelu;
  f32.gemm(g, 0, m, 0, panel_count(t, n));
  g.c = parts.data();
  for (int64_t row = 0; row < m; row += 5) {
    for (int64_t panel = 0; panel < panel_count(t, n); ++panel) {
      f32.gemm(g, row, std::min(m, row + 5), panel, panel + 1);
    }
  }
  EXPECT_EQ(std::memcmp(whole.data(), parts.data(), whole.size() * sizeof(float)), 0);
}

std::vector<double> plain_attention(const Attention& a, int64_t query) {
  std::vector<double> weights(a.tokens);
  double largest = -INFINITY;
  for (int64_t j = 0; j < a.tokens; ++j) {
    double score = 0;
    for (int64_t c = 0; c < a.width; ++c)
      score += static_cast<double>(a.q[query * a.q_stride + c]) * a.k[j * a.k_stride + c];
    weights[j] = score / std::sqrt(static_cast<double>(a.width)) + (a.log_size ? a.log_size[j] : 0);
    largest = std::max(largest, weights[j]);
  }
  double sum = 0;
  for (double& w : weights) sum += w = std::exp(w - largest);
  std::vector<double> out(a.width);
  for (int64_t j = 0; j < a.tokens; ++j) {
    for (int64_t c = 0; c < a.width; ++c) out[c] += weights[j] / sum * a.v[j * a.v_stride + c];
  }
  return out;
}

// The nearest bf16 of a value, as a float.
float rounded(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  bits = (bits + 0x7fffU + ((bits >> 16) & 1U)) & 0xffff0000U;
  std::memcpy(&value, &bits, sizeof(bits));
  return value;
}

float widened(uint16_t bf16) {
  const uint32_t bits = static_cast<uint32_t>(bf16) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(bits));
  return value;
}

TEST_P(KernelsTest, Bf16GemmMatchesPlainLoopsOverRoundedInputs) {
  for (const Extents p : {Extents{1, 1, 1}, {3, 16, 5}, {15, 33, 48}, {29, 17, 7}, {5, 40, 4001}}) {
    const std::vector<float> a = random_floats(p.m * p.k, 1);
    const std::vector<float> w = random_floats(p.n * p.k, 2);
    const std::vector<float> bias = random_floats(p.n, 3);
    const std::vector<float> old = random_floats(p.m * p.n, 5);
    const std::shared_ptr<float[]> panels = pack(t, bf16, w, p.n, p.k);
    const std::shared_ptr<float[]> scratch = scratch_of(bf16, p.k);
    const int64_t stride = p.k + p.k % 2;
    std::vector<uint16_t> inputs(p.m * stride, 0x7fc0);  // NaN: padding must be written
    if (bf16.rounds()) bf16.round_rows(a.data(), p.k, p.m, p.k, inputs.data(), stride);
    for (const auto& [epilogue, activation] : kStored) {
      std::vector<float> c = old;
      Gemm g;
      g.a = bf16.rounds() ? static_cast<const void*>(inputs.data()) : a.data();
      g.a_stride = bf16.rounds() ? stride : p.k;
      g.b = panels.get();
      g.c = c.data();
      g.c_stride = p.n;
      g.m = p.m;
      g.n = p.n;
      g.k = p.k;
      g.bias = bias.data();
      g.epilogue = epilogue;
      g.activation = activation;
      g.scratch = scratch.get();
      bf16.gemm(g, 0, p.m, 0, panel_count(t, p.n));
      std::vector<uint16_t> stored(p.m * p.n);
      const bool to_bf16 = bf16.rounds() && epilogue == Epilogue::store && p.k <= bf16.most_depth;
      if (to_bf16) {
        g.c = stored.data();
        g.c_dtype = Dtype::bf16;
        bf16.gemm(g, 0, p.m, 0, panel_count(t, p.n));
      }
      for (int64_t i = 0; i < p.m; ++i) {
        for (int64_t j = 0; j < p.n; ++j) {
          double want = bias[j];
          for (int64_t x = 0; x < p.k; ++x) {
            const float value = a[i * p.k + x];
            want += static_cast<double>(bf16.rounds() ? rounded(value) : value) *
                    rounded(w[j * p.k + x]);
          }
          if (epilogue != Epilogue::store) want += old[i * p.n + j];
          want = activated(activation, want);
          ASSERT_NEAR(c[i * p.n + j], want, p.k > 1000 ? 3e-4 : 3e-5)
              << p.k << ' ' << i << ' ' << j;
          ASSERT_TRUE(!to_bf16 || widened(stored[i * p.n + j]) == rounded(c[i * p.n + j]));
        }
      }
    }
  }
}

TEST_P(KernelsTest, Bf16AttentionIsCloseToPlainLoops) {
  for (const int64_t width : {1, 12, 64, 80}) {
    for (const int64_t tokens : {1, 5, 33, 70}) {
      const std::vector<float> qkv = random_floats(tokens * 3 * width, 7, -1, 1);
      std::vector<float> out(tokens * width);
      std::vector<uint16_t> stored(tokens * width);
      const std::shared_ptr<float[]> scratch =
          allocate_floats(attention_scratch(t, tokens, width, width));
      Attention a;
      a.q = qkv.data();
      a.k = a.q + width;
      a.v = a.k + width;
      a.q_stride = a.k_stride = a.v_stride = 3 * width;
      a.tokens = tokens;
      a.width = a.value_width = width;
      a.scale = softmax_scale(width);
      a.out = bf16.rounds() ? static_cast<void*>(stored.data()) : out.data();
      a.out_stride = width;
      bf16.attention(a, 0, tokens / 2, scratch.get());
      bf16.attention(a, tokens / 2, tokens, scratch.get());
      for (int64_t i = 0; i < tokens * width; ++i) {
        const float got = bf16.rounds() ? widened(stored[i]) : out[i];
        ASSERT_NEAR(got, plain_attention(a, i / width)[i % width], 1.5e-2)
            << tokens << ' ' << width;
      }
    }
  }
}

TEST_P(KernelsTest, ActivationsAreRightToAMillionth) {
  // A product with the 1 x 1 identity leaves the activation alone.
  const std::vector<float> one = {1};
  const std::shared_ptr<float[]> panels = pack(t, f32, one, 1, 1);
  std::vector<float> x(40001), y(x.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) * 1e-3F - 20;
  x.push_back(-1e4F);
  x.push_back(1e4F);
  y.resize(x.size());
  for (const Activation activation : kActivations) {
    Gemm g;
    g.a = x.data();
    g.a_stride = 1;
    g.b = panels.get();
    g.c = y.data();
    g.c_stride = 1;
    g.m = static_cast<int64_t>(x.size());
    g.n = g.k = 1;
    g.activation = activation;
    f32.gemm(g, 0, g.m, 0, 1);
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(y[i], activated(activation, x[i]), 1.5e-6 + 3e-7 * std::abs(x[i])) << x[i];
    }
  }
}

TEST_P(KernelsTest, AttentionMatchesPlainLoops) {
  for (const int64_t width : {1, 12, 16, 64, 80}) {
    for (const int64_t tokens : {1, 5, 16, 33, 70, 1024}) {
      const int64_t stride = 3 * width + 7;
      const std::vector<float> qkv = random_floats(tokens * stride, 7, -3, 3);
      const std::vector<float> sizes = random_floats(tokens, 8, 0, 2);
      // Of all tokens, or of others, as in semi-cross attention.
      const std::vector<float> others = random_floats(37 * (width + 3), 9, -3, 3);
      const std::shared_ptr<float[]> scratch =
          allocate_floats(attention_scratch(t, tokens, width, width));
      for (const bool apart : {false, true}) {
        const int64_t queries = apart ? 37 : tokens;
        std::vector<float> out(queries * width, 99.0F);
        Attention a;
        a.q = apart ? others.data() : qkv.data();
        a.q_stride = apart ? width + 3 : stride;
        a.k = qkv.data() + width;
        a.v = a.k + width;
        a.k_stride = a.v_stride = stride;
        a.tokens = tokens;
        a.width = a.value_width = width;
        a.scale = softmax_scale(width);
        a.out = out.data();
        a.out_stride = width;
        for (const float* log_size : {static_cast<const float*>(nullptr), sizes.data()}) {
          a.log_size = log_size;
          f32.attention(a, 0, queries / 3, scratch.get());
          f32.attention(a, queries / 3, queries, scratch.get());
          for (int64_t i = 0; i < queries; ++i) {
            const std::vector<double> want = plain_attention(a, i);
            for (int64_t c = 0; c < width; ++c)
              ASSERT_NEAR(out[i * width + c], want[c], tokens > 100 ? 3e-5 : 5e-6)
                  << queries << ' ' << tokens << ' ' << width;
          }
        }
      }
    }
  }
}

TEST_P(KernelsTest, AttentionSurvivesLargeScores) {
  std::vector<float> qkv = {100, 100, 1, 100, -100, 2};  // two tokens of width 1: q, k, v
  std::vector<float> out(2);
  const std::shared_ptr<float[]> scratch = allocate_floats(attention_scratch(t, 2, 1, 1));
  Attention a;
  a.q = qkv.data();
  a.k = a.q + 1;
  a.v = a.q + 2;
  a.q_stride = a.k_stride = a.v_stride = 3;
  a.tokens = 2;
  a.width = a.value_width = 1;
  a.scale = softmax_scale(1);
  a.out = out.data();
  a.out_stride = 1;
  f32.attention(a, 0, 2, scratch.get());
  EXPECT_FLOAT_EQ(out[0], 1);
  EXPECT_FLOAT_EQ(out[1], 1);
}

TEST_P(KernelsTest, LayerNormMatchesPlainLoops) {
  for (const int64_t width : {1, 3, 16, 48, 50, 384}) {
    const int64_t rows = 5;
    const std::vector<float> x = random_floats(rows * width, 1, -2, 5);
    const std::vector<float> gamma = random_floats(width, 2);
    const std::vector<float> beta = random_floats(width, 3);
    std::vector<float> out(rows * width);
    t.layer_norm(x.data(), width, rows, width, gamma.data(), beta.data(), 1e-6F, out.data(), width);
    for (int64_t r = 0; r < rows; ++r) {
      const float* row = x.data() + r * width;
      const double mean = std::accumulate(row, row + width, 0.0) / static_cast<double>(width);
      double variance = 0;
      for (int64_t c = 0; c < width; ++c)
        variance += (row[c] - mean) * (row[c] - mean) / static_cast<double>(width);
      // A single channel is all rounding: its variance is nothing but eps.
      for (int64_t c = 0; width > 1 && c < width; ++c) {
        const double want = (row[c] - mean) / std::sqrt(variance + 1e-6) * gamma[c] + beta[c];
        ASSERT_NEAR(out[r * width + c], want, 2e-5);
      }
    }
  }
}

TEST_P(KernelsTest, NormalizeGivesUnitRows) {
  std::vector<float> x = random_floats(3 * 21, 1);
  t.normalize(x.data(), 3, 21);
  for (int r = 0; r < 3; ++r) {
    EXPECT_NEAR(
        std::inner_product(x.begin() + r * 21, x.begin() + (r + 1) * 21, x.begin() + r * 21, 0.0),
        1, 1e-6);
  }
}

TEST_P(KernelsTest, RowsAreSummedAndCompared) {
  const std::vector<float> x = random_floats(3 * 37, 1);
  const float* rows[] = {x.data(), x.data() + 37, x.data() + 74};
  const float factors[] = {1, 2, 0.5F};
  std::vector<float> sum(37), largest(37);
  t.weighted_sum(rows, factors, 3, 37, 0.25F, sum.data());
  t.maximum(rows, 3, 37, largest.data());
  for (int c = 0; c < 37; ++c) {
    EXPECT_NEAR(sum[c], (x[c] + 2 * x[37 + c] + 0.5F * x[74 + c]) * 0.25F, 1e-6);
    EXPECT_EQ(largest[c], std::max({x[c], x[37 + c], x[74 + c]}));
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, KernelsTest, testing::ValuesIn(known_levels()),
                         [](const auto& info) { return to_string(info.param); });

}  // namespace
}  // namespace fovea::kernels
