// What kernels do for families beyond the plain ViT, against plain loops in double precision: gated
// products, RMSNorm, rotation, and attention with all of its extras.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "fovea/backend/cpu/arena.h"
#include "fovea/backend/cpu/kernels/testing.h"

namespace fovea::kernels {
namespace {

float widened(uint16_t bf16) {
  const uint32_t bits = static_cast<uint32_t>(bf16) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(bits));
  return value;
}

float rounded(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return widened(static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16));
}

class FamiliesTest : public LevelTest {
 protected:
  // Weights [2 n, k], gates first, in the panels of a gated product.
  std::shared_ptr<float[]> pack_gated(const Product& product, const std::vector<float>& w,
                                      int64_t n, int64_t k) const {
    const int64_t size = product.packed_bytes(t.panel_width, k);
    const int64_t panels = gated_panel_count(t, n);
    std::shared_ptr<float[]> packed = allocate_floats(panels * size / 4 + 1);
    for (int64_t p = 0; p < panels; ++p) {
      std::vector<float> rows(t.panel_width * k);
      for (int64_t j = 0; j < t.lanes && p * t.lanes + j < n; ++j) {
        const float* row = w.data() + (p * t.lanes + j) * k;
        std::copy_n(row, k, rows.data() + j * k);
        std::copy_n(row + n * k, k, rows.data() + (t.lanes + j) * k);
      }
      product.pack_panels(rows.data(), k, t.panel_width, k, 0, 1,
                          reinterpret_cast<char*>(packed.get()) + p * size);
    }
    return packed;
  }

  void expect_gated(const Product& product, bool rounds_weights, int64_t m, int64_t n, int64_t k,
                    bool to_bf16, bool has_bias) const {
    const std::vector<float> a = random_floats(m * k, 1);
    const std::vector<float> w = random_floats(2 * n * k, 2);
    const std::vector<float> bias = random_floats(2 * n, 3);
    const auto panels = pack_gated(product, w, n, k);
    std::vector<float> c(m * (n + 1), 99);
    std::vector<uint16_t> stored(m * (n + 1), 7);
    const int64_t stride = k + k % 2;
    std::vector<uint16_t> inputs(m * stride);
    if (product.rounds()) product.round_rows(a.data(), k, m, k, inputs.data(), stride);
    Gemm g;
    g.a = product.rounds() ? static_cast<const void*>(inputs.data()) : a.data();
    g.a_stride = product.rounds() ? stride : k;
    g.b = panels.get();
    g.c = to_bf16 ? static_cast<void*>(stored.data()) : c.data();
    g.c_dtype = to_bf16 ? Dtype::bf16 : Dtype::f32;
    g.c_stride = n + 1;
    g.m = m;
    g.n = n;
    g.k = k;
    g.bias = has_bias ? bias.data() : nullptr;
    g.activation = Activation::silu;
    g.is_gated = true;
    const auto scratch = allocate_floats(product.gemm_scratch ? product.gemm_scratch(g) : 0);
    g.scratch = scratch.get();
    const int64_t count = gated_panel_count(t, n);
    product.gemm(g, 0, m / 2, 0, count);
    product.gemm(g, m / 2, m, 0, count / 2);
    product.gemm(g, m / 2, m, count / 2, count);
    for (int64_t i = 0; i < m; ++i) {
      ASSERT_TRUE(to_bf16 ? stored[i * (n + 1) + n] == 7 : c[i * (n + 1) + n] == 99) << "beyond";
      for (int64_t j = 0; j < n; ++j) {
        const auto dot = [&](int64_t row) {
          double sum = has_bias ? bias[row] : 0;
          for (int64_t x = 0; x < k; ++x) {
            const float weight = w[row * k + x];
            sum += static_cast<double>(product.rounds() ? rounded(a[i * k + x]) : a[i * k + x]) *
                   (rounds_weights ? rounded(weight) : weight);
          }
          return sum;
        };
        const double gate = dot(j);
        const double want = gate / (1 + std::exp(-gate)) * dot(n + j);
        const float got = to_bf16 ? widened(stored[i * (n + 1) + j]) : c[i * (n + 1) + j];
        ASSERT_NEAR(got, want, (to_bf16 ? 5e-3 : 5e-5) * (1 + std::abs(want)))
            << m << 'x' << n << 'x' << k << " at " << i << ',' << j;
      }
    }
  }
};

TEST_P(FamiliesTest, GatedProductsMatchPlainLoops) {
  struct Extents {
    int64_t m, n, k;
  };
  for (const Extents p : {Extents{1, 1, 1}, {3, 16, 5}, {29, 17, 7}, {15, 33, 130}, {4, 5, 4001}}) {
    for (const bool has_bias : {false, true}) {
      expect_gated(f32, false, p.m, p.n, p.k, false, has_bias);
      expect_gated(bf16, true, p.m, p.n, p.k, false, has_bias);
      if (bf16.rounds()) expect_gated(bf16, true, p.m, p.n, p.k, true, has_bias);
    }
  }
}

TEST_P(FamiliesTest, RmsNormMatchesPlainLoops) {
  for (const int64_t width : {1, 3, 16, 50, 384}) {
    const std::vector<float> x = random_floats(5 * width, 1, -2, 5);
    const std::vector<float> gamma = random_floats(width, 2);
    std::vector<float> out = x;  // in place
    t.rms_norm(out.data(), width, 5, width, gamma.data(), 1e-5F, out.data(), width);
    for (int64_t r = 0; r < 5; ++r) {
      double squares = 0;
      for (int64_t c = 0; c < width; ++c)
        squares += static_cast<double>(x[r * width + c]) * x[r * width + c];
      for (int64_t c = 0; c < width; ++c) {
        const double want =
            x[r * width + c] / std::sqrt(squares / static_cast<double>(width) + 1e-5) * gamma[c];
        ASSERT_NEAR(out[r * width + c], want, 2e-6);
      }
    }
  }
}

// One row turned by pairs.
std::vector<double> plain_turned(const float* x, int64_t width, const Turn& turn, int64_t token) {
  std::vector<double> out(x, x + width);
  for (int64_t i = 0; turn.cos && i < width / 2; ++i) {
    const int64_t first = turn.in_halves ? i : 2 * i;
    const int64_t second = turn.in_halves ? i + width / 2 : 2 * i + 1;
    const double cos = turn.cos[token * turn.stride + i];
    const double sin = turn.sin[token * turn.stride + i];
    out[first] = x[first] * cos - x[second] * sin;
    out[second] = x[second] * cos + x[first] * sin;
  }
  return out;
}

double plain_relative(const RelativeBias& relative, int64_t query, int64_t key) {
  if (!relative.table) return 0;
  const int32_t from = relative.place[query];
  const int32_t to = relative.place[key];
  const int32_t n = relative.entries;
  if (from < 0) return relative.table[to < 0 ? n - 1 : n - 3];
  return relative.table[to < 0 ? n - 2 : relative.offset + from - to];
}

std::vector<double> plain_attention(const Attention& a, int64_t query) {
  const int64_t token = a.asking ? a.asking[query] : query;
  const auto q = plain_turned(a.q + query * a.q_stride, a.width, a.turn, token);
  std::vector<double> out(a.value_width);
  double sum = 0;
  for (int64_t j = 0; j < a.tokens; ++j) {
    const auto k = plain_turned(a.k + j * a.k_stride, a.width, a.turn, j);
    double score = 0;
    for (int64_t c = 0; c < a.width; ++c) score += q[c] * k[c];
    score = score * a.scale / std::log2(std::exp(1.0)) + (a.log_size ? a.log_size[j] : 0) +
            plain_relative(a.relative, token, j);
    sum += std::exp(score);
    for (int64_t c = 0; c < a.value_width; ++c) out[c] += std::exp(score) * a.v[j * a.v_stride + c];
  }
  for (double& value : out) value /= sum;
  return out;
}

TEST_P(FamiliesTest, AttentionTurnsAndAddsBiasesAsPlainLoopsDo) {
  constexpr int32_t kSide = 9;
  constexpr int32_t kEntries = (2 * kSide - 1) * (2 * kSide - 1) + 3;
  const std::vector<float> table = random_floats(kEntries, 1, -3, 3);
  for (const int64_t width : {2, 12, 64}) {
    for (const int64_t tokens : {1, 5, 33, 71}) {
      const int64_t value_width = width + 5;
      const auto q = random_floats(tokens * (width + 1), 2, -1, 1);
      const auto k = random_floats(tokens * (width + 2), 3, -1, 1);
      const auto v = random_floats(tokens * (value_width + 3), 4, -1, 1);
      const auto sizes = random_floats(tokens, 5, 0, 2);
      const auto angles = random_floats(tokens * width / 2, 6, -20, 20);
      std::vector<float> cos, sin;
      for (const float angle : angles) {
        cos.push_back(std::cos(angle));
        sin.push_back(std::sin(angle));
      }
      std::vector<int32_t> places, asking;
      for (int32_t i = 0; i < tokens; ++i) {
        places.push_back(i == 0 ? -1 : (i * 7 % kSide) * (2 * kSide - 1) + i * 5 % kSide);
        if (i % 3 == 0) asking.push_back(i);
      }
      Attention a;
      a.q = q.data();
      a.q_stride = width + 1;
      a.k = k.data();
      a.k_stride = width + 2;
      a.v = v.data();
      a.v_stride = value_width + 3;
      a.tokens = tokens;
      a.width = width;
      a.value_width = value_width;
      a.scale = 0.7F * softmax_scale(width);
      const auto scratch = allocate_floats(attention_scratch(t, tokens, width, value_width));
      for (int kind = 0; kind < 32; ++kind) {
        a.log_size = kind % 2 ? sizes.data() : nullptr;
        a.turn = {};
        if (kind / 2 % 2) a.turn = {cos.data(), sin.data(), width / 2, kind / 4 % 2 == 1};
        a.relative = {};
        if (kind / 8 % 2) {
          a.relative = {table.data(), places.data(), (kSide - 1) * (2 * kSide - 1) + kSide - 1,
                        kEntries};
        }
        a.asking = kind / 16 ? asking.data() : nullptr;
        const auto queries = kind / 16 ? static_cast<int64_t>(asking.size()) : tokens;
        for (const Product* product : {&f32, &bf16}) {
          std::vector<float> out(queries * value_width);
          std::vector<uint16_t> stored(queries * value_width);
          a.out = product->rounds() ? static_cast<void*>(stored.data()) : out.data();
          a.out_stride = value_width;
          product->attention(a, 0, queries / 3, scratch.get());
          product->attention(a, queries / 3, queries, scratch.get());
          for (int64_t i = 0; i < queries; ++i) {
            const std::vector<double> want = plain_attention(a, i);
            for (int64_t c = 0; c < value_width; ++c) {
              const float got = product->rounds() ? widened(stored[i * value_width + c])
                                                  : out[i * value_width + c];
              ASSERT_NEAR(got, want[c], product->rounds() ? 3e-2 : 5e-6)
                  << kind << ' ' << width << ' ' << tokens << ' ' << i;
            }
          }
        }
      }
    }
  }
}

TEST_P(FamiliesTest, RowsAreTurnedByPairs) {
  const auto x = random_floats(3 * 20, 1);
  const auto cos = random_floats(3 * 10, 2);
  const auto sin = random_floats(3 * 10, 3);
  for (const bool in_halves : {false, true}) {
    const Turn turn{cos.data(), sin.data(), 10, in_halves};
    std::vector<float> out(3 * 21);
    t.rotate(x.data(), 20, 3, 20, turn, out.data(), 21);
    for (int64_t r = 0; r < 3; ++r) {
      const auto want = plain_turned(x.data() + r * 20, 20, turn, r);
      for (int64_t c = 0; c < 20; ++c) EXPECT_NEAR(out[r * 21 + c], want[c], 1e-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, FamiliesTest, testing::ValuesIn(known_levels()),
                         [](const auto& info) { return to_string(info.param); });

}  // namespace
}  // namespace fovea::kernels
