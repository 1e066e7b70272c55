// Attention with biases by rows and by columns apart, against plain loops in double precision: keys
// of a whole grid, in runs and looked up, and one that stands for the cells that pad a window.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "fovea/backend/cpu/arena.h"
#include "fovea/backend/cpu/kernels/testing.h"

namespace fovea::kernels {
namespace {

constexpr int64_t kWidth = 12;

enum class Keys { grid, runs, looked_up };

struct Case {
  int32_t height, width;  // of the grid or window
  Keys keys;
  int32_t real_rows = 0;  // of a padded window, less than its side
  int32_t real_columns = 0;
};

// Tables [2 height - 1 + 2 width - 1, kWidth] and all that attention takes of such tokens.
struct Made {
  std::vector<int32_t> y, x;
  std::vector<KeyRun> runs;
  std::vector<float> q, k, v, sizes, tables;
  DecomposedBias bias;
  Attention a;

  explicit Made(const Case& c) {
    const bool is_padded = c.real_rows > 0;
    const int32_t rows = is_padded ? c.real_rows : c.height;
    const int32_t columns = is_padded ? c.real_columns : c.width;
    for (int32_t i = 0; i < rows * columns; ++i) {
      if (c.keys == Keys::looked_up && i % 3 == 1) continue;
      y.push_back(i / columns);
      x.push_back(i % columns);
    }
    const auto tokens = static_cast<int32_t>(y.size());
    for (int32_t i = 0; i < tokens; ++i) {
      if (i == 0 || y[i] != y[i - 1] || x[i] != x[i - 1] + 1) runs.push_back({i, 0, y[i], x[i]});
      ++runs.back().count;
    }
    const int64_t keys = tokens + (is_padded ? 1 : 0);
    bias.rows = 2 * c.height - 1;
    bias.columns = 2 * c.width - 1;
    q = random_floats(tokens * kWidth, 1, -1, 1);
    k = random_floats(keys * kWidth, 2, -1, 1);
    v = random_floats(keys * kWidth, 3, -1, 1);
    sizes = random_floats(tokens, 4, 0, 1);
    tables = random_floats(bias.entries() * kWidth, 5, -1, 1);
    bias.y = y.data();
    bias.x = x.data();
    if (c.keys == Keys::grid) bias.grid_columns = c.width;
    if (c.keys == Keys::runs) {
      bias.runs = runs.data();
      bias.run_count = static_cast<int32_t>(runs.size());
    }
    if (is_padded) {
      bias.side = c.height;
      bias.real_rows = c.real_rows;
      bias.real_columns = c.real_columns;
    }
    a.q = q.data();
    a.k = k.data();
    a.v = v.data();
    a.q_stride = a.k_stride = a.v_stride = a.width = a.value_width = kWidth;
    a.tokens = keys;
    a.scale = softmax_scale(kWidth);
    if (c.keys != Keys::grid) a.log_size = sizes.data();
  }

  double dot(const float* one, const float* other) const {
    double sum = 0;
    for (int64_t i = 0; i < kWidth; ++i) sum += double{one[i]} * other[i];
    return sum;
  }

  // What a query adds to a key at (to_y, to_x). The tables begin with the largest distance.
  double plain_bias(int64_t query, int32_t to_y, int32_t to_x) const {
    const int32_t row = bias.rows / 2 - y[query] + to_y;
    const int32_t column = bias.rows + bias.columns / 2 - x[query] + to_x;
    return dot(&q[query * kWidth], &tables[row * kWidth]) +
           dot(&q[query * kWidth], &tables[column * kWidth]);
  }

  std::vector<double> plain(int64_t query) const {
    std::vector<double> out(kWidth);
    double total = 0;
    const auto add = [&](int64_t key, int32_t to_y, int32_t to_x, double size) {
      const double score = dot(&q[query * kWidth], &k[key * kWidth]) / std::sqrt(kWidth);
      const double weight = size * std::exp(score + plain_bias(query, to_y, to_x));
      total += weight;
      for (int64_t i = 0; i < kWidth; ++i) out[i] += weight * v[key * kWidth + i];
    };
    for (size_t j = 0; j < y.size(); ++j) {
      add(static_cast<int64_t>(j), y[j], x[j], a.log_size ? std::exp(double{sizes[j]}) : 1);
    }
    for (int32_t cell = 0; cell < bias.side * bias.side; ++cell) {
      const int32_t row = cell / bias.side;
      const int32_t column = cell % bias.side;
      if (row < bias.real_rows && column < bias.real_columns) continue;
      add(a.tokens - 1, row, column, 1);
    }
    for (double& value : out) value /= total;
    return out;
  }
};

class DecomposedTest : public LevelTest {
 protected:
  void expect_plain(const Case& c) const {
    Made made(c);
    for (const Product* product : {&f32, &bf16}) {
      // Attention multiplies floats where a format has no product of its own.
      const Product& packs = product->rounds() ? *product : f32;
      const auto tables = allocate_floats(packs.packed_bytes(made.bias.entries(), kWidth) / 4 + 1);
      packs.pack_panels(made.tables.data(), kWidth, made.bias.entries(), kWidth, 0,
                        panel_count(t, made.bias.entries()), tables.get());
      made.a.decomposed = made.bias;
      made.a.decomposed.tables = tables.get();
      const auto queries = static_cast<int64_t>(made.y.size());
      std::vector<float> out(queries * kWidth);
      std::vector<uint16_t> stored(queries * kWidth);
      made.a.out = product->rounds() ? static_cast<void*>(stored.data()) : out.data();
      made.a.out_stride = kWidth;
      const auto scratch =
          allocate_floats(attention_scratch(t, made.a.tokens, kWidth, kWidth, made.bias.entries()));
      product->attention(made.a, 0, queries / 2, scratch.get());
      product->attention(made.a, queries / 2, queries, scratch.get());
      for (int64_t i = 0; i < queries; i += 7) {
        const std::vector<double> want = made.plain(i);
        for (int64_t f = 0; f < kWidth; ++f) {
          float got = out[i * kWidth + f];
          if (product->rounds()) {
            const uint32_t bits = uint32_t{stored[i * kWidth + f]} << 16;
            std::memcpy(&got, &bits, sizeof(bits));
          }
          ASSERT_NEAR(got, want[f], product->rounds() ? 5e-2 : 1e-5)
              << c.height << " x " << c.width << ", query " << i;
        }
      }
    }
  }
};

TEST_P(DecomposedTest, GridsAreReadRowByRow) {
  expect_plain({5, 16, Keys::grid});
  expect_plain({9, 32, Keys::grid});
  expect_plain({32, 64, Keys::grid});
}

TEST_P(DecomposedTest, RunsAreAddedOneBehindTheOther) {
  expect_plain({14, 14, Keys::runs});
  expect_plain({3, 37, Keys::runs});
  expect_plain({1, 1, Keys::runs});
}

TEST_P(DecomposedTest, OthersAreLookedUp) {
  for (const int32_t side : {2, 14, 16, 17, 32, 33, 48, 64, 65}) {
    expect_plain({side, 5, Keys::looked_up});
    expect_plain({5, side, Keys::looked_up});
  }
}

TEST_P(DecomposedTest, OneKeyStandsForAllThatPadsAWindow) {
  for (const Keys keys : {Keys::runs, Keys::looked_up}) {
    expect_plain({14, 14, keys, 14, 8});
    expect_plain({14, 14, keys, 8, 14});
    expect_plain({14, 14, keys, 8, 8});
    expect_plain({5, 5, keys, 1, 2});
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, DecomposedTest, testing::ValuesIn(known_levels()),
                         [](const auto& info) { return to_string(info.param); });

}  // namespace
}  // namespace fovea::kernels
