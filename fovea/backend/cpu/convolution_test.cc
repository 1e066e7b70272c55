// Convolutions that overlap, against plain loops in double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {
namespace {

Array random_array(const Shape& shape, uint32_t seed, float mean = 0) {
  Array array(shape);
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-0.5F, 0.5F);
  for (float& value : array.data) value = mean + uniform(generator);
  return array;
}

struct Case {
  int64_t batch = 1;
  int in = 3, out = 8;
  Grid grid = {4, 4};
  int stride = 1;
};

// What a convolution of some case is made of.
struct Parts {
  explicit Parts(const Case& c)
      : images(random_array({c.batch, c.in, c.grid.rows, c.grid.columns}, 1)),
        weight(random_array({c.out, c.in, 3, 3}, 2)),
        gamma(random_array({c.out}, 3, 1)),
        beta(random_array({c.out}, 4)),
        mean(random_array({c.out}, 5)),
        variance(random_array({c.out}, 6, 1)) {}
  BatchNorm norm() const { return {{gamma}, {beta}, {mean}, {variance}}; }

  Array images;  // [B, C, H, W]
  Array weight, gamma, beta, mean, variance;
};

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

// Output channel `o` at (y, x) of the result.
double plain(const Case& c, const Parts& p, int64_t image, int64_t y, int64_t x, int64_t o) {
  double sum = 0;
  for (int64_t i = 0; i < c.in; ++i) {
    for (int64_t tap = 0; tap < 9; ++tap) {
      const int64_t row = y * c.stride + tap / 3 - 1;
      const int64_t column = x * c.stride + tap % 3 - 1;
      if (row < 0 || row >= c.grid.rows || column < 0 || column >= c.grid.columns) continue;
      const int64_t pixel = ((image * c.in + i) * c.grid.rows + row) * c.grid.columns + column;
      sum += static_cast<double>(p.images.data[pixel]) * p.weight.data[(o * c.in + i) * 9 + tap];
    }
  }
  const double scale = p.gamma.data[o] / std::sqrt(p.variance.data[o] + 1e-5);
  return gelu((sum - p.mean.data[o]) * scale + p.beta.data[o]);
}

// All images as rows of places, in order.
Tensor rows_of(Cpu& cpu, const Case& c, const Parts& p) {
  const int64_t places = int64_t{c.grid.rows} * c.grid.columns;
  auto first = std::make_shared<Sequences>(1, 0);
  for (int64_t b = 0; b < c.batch; ++b)
    first->push_back(first->back() + static_cast<int32_t>(places));
  Array rows({c.batch * places, c.in});
  for (int64_t i = 0; i < c.batch * places; ++i) {
    for (int64_t channel = 0; channel < c.in; ++channel) {
      rows.data[i * c.in + channel] =
          p.images.data[(i / places * c.in + channel) * places + i % places];
    }
  }
  const Tensor x = cpu.write(rows);
  return {first, x.channels(), x.stride(), x.shared_data()};
}

Array convolve(const Case& c, InstructionSet level, Dtype dtype, int threads) {
  const Parts p(c);
  Cpu cpu(level, dtype, std::make_shared<Threads>(threads));
  const Cpu::Linear w = cpu.make_convolution({p.weight}, {}, p.norm(), RowOrder::channels_last);
  return cpu.read(cpu.convolve(rows_of(cpu, c, p), w, c.grid, c.stride, Activation::gelu));
}

std::vector<Case> cases() {
  return {
      {.batch = 2, .in = 3, .out = 24, .grid = {8, 6}, .stride = 1},
      {.batch = 3, .in = 5, .out = 17, .grid = {6, 10}, .stride = 2},
      {.batch = 1, .in = 24, .out = 40, .grid = {32, 32}, .stride = 2},
      {.batch = 2, .in = 1024, .out = 3, .grid = {2, 2}, .stride = 2},
      {.batch = 1, .in = 1, .out = 1, .grid = {1, 1}, .stride = 1},
  };
}

TEST(Convolution, IsThatOfPlainLoopsAtEveryLevel) {
  for (const InstructionSet level : available_levels()) {
    for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
      for (const Case& c : cases()) {
        SCOPED_TRACE(to_string(level) + (dtype == Dtype::f32 ? ", f32, " : ", bf16, ") +
                     std::to_string(c.in) + " channels");
        const Array got = convolve(c, level, dtype, 2);
        const Parts p(c);
        const int64_t columns = c.grid.columns / c.stride;
        const int64_t places = c.grid.rows / c.stride * columns;
        ASSERT_EQ(got.shape, (Shape{c.batch * places, c.out}));
        // Of values around 1; bf16 rounds weights to 8 bits.
        const double most = (dtype == Dtype::f32 ? 2e-6 : 5e-3) * std::sqrt(9.0 * c.in);
        for (int64_t i = 0; i < got.shape[0]; ++i) {
          for (int64_t o = 0; o < c.out; ++o) {
            const int64_t place = i % places;
            ASSERT_NEAR(got.data[i * c.out + o],
                        plain(c, p, i / places, place / columns, place % columns, o), most)
                << i << ' ' << o;
          }
        }
      }
    }
  }
}

TEST(Convolution, HasTheSameBitsHoweverItIsSharedOut) {
  for (const InstructionSet level : available_levels()) {
    for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
      for (const Case& c : cases()) {
        EXPECT_EQ(convolve(c, level, dtype, 1).data, convolve(c, level, dtype, 5).data)
            << to_string(level) << ' ' << c.in;
      }
    }
  }
}

TEST(Convolution, CountsItsWork) {
  const Case c = cases().front();
  const Parts p(c);
  Cpu cpu(levels::kScalar, Dtype::f32, std::make_shared<Threads>(1));
  Profile profile;
  cpu.set_profile(&profile);
  const Cpu::Linear w = cpu.make_convolution({p.weight}, {}, p.norm(), RowOrder::channels_last);
  cpu.convolve(rows_of(cpu, c, p), w, c.grid, 2, Activation::gelu);
  EXPECT_EQ(profile.product_operations, 2.0 * 2 * 12 * 27 * 24);
}

}  // namespace
}  // namespace fovea
