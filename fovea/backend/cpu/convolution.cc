// Convolutions that overlap: windows laid out as rows, a tile at a time, and a product over those.
#include <algorithm>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {
namespace {

// The places of one image, as rows of a tensor.
struct Plane {
  const Tensor& x;
  int64_t first;  // row
  int64_t height;
  int64_t width;
};

// The window around (y, x), row by row, zeros outside of the image.
void copy_window(const Plane& plane, int64_t y, int64_t x, float* to) {
  const int64_t channels = plane.x.channels();
  for (int64_t row = y - 1; row <= y + 1; ++row) {
    for (int64_t column = x - 1; column <= x + 1; ++column, to += channels) {
      const bool inside = row >= 0 && row < plane.height && column >= 0 && column < plane.width;
      if (inside) {
        std::copy_n(plane.x.row(plane.first + row * plane.width + column), channels, to);
      } else {
        std::fill_n(to, channels, 0.0F);
      }
    }
  }
}

}  // namespace

void Cpu::multiply_tile(const float* rows, int64_t count, const Linear& w, Activation activation,
                        float* spare, float* out, int64_t out_stride) const {
  const kernels::Product& product = product_of(w);
  kernels::Gemm g;
  g.a = rows;
  g.a_stride = row_stride(w.in);
  g.b = w.panels.get();
  g.c = out;
  g.c_stride = out_stride;
  g.m = count;
  g.n = w.out;
  g.k = w.in;
  g.bias = w.bias.data();
  g.activation = activation;
  const int64_t panels = kernels::panel_count(kernels_, g.n);
  g.scratch = spare;
  if (!product.rounds()) return product.gemm(g, 0, count, 0, panels);
  // As in run_in_two: rounded once, these would show in all that follows.
  g.a = spare;
  g.a_stride = row_stride(w.in, product.input);
  kernels::Gemm rest = g;
  rest.bias = nullptr;
  rest.activation = Activation::none;
  product.round_rest(rows, row_stride(w.in), count, w.in, spare, g.a_stride);
  product.gemm(rest, 0, count, 0, panels);
  product.round_rows(rows, row_stride(w.in), count, w.in, spare, g.a_stride);
  g.epilogue = kernels::Epilogue::add;
  product.gemm(g, 0, count, 0, panels);
}

Tensor Cpu::convolve(const Tensor& x, const Linear& w, const Grid& grid, int stride,
                     Activation activation) {
  const Timed timed = time(Work::products);
  const int64_t columns = grid.columns / stride;
  const int64_t places = grid.rows / stride * columns;  // of an image's result
  Tensor out = make(sequences_of(x, [&](int64_t) { return places; }), w.out);
  if (profile_)
    profile_->product_operations += 2.0 * static_cast<double>(out.rows() * w.out * w.in);
  // Windows in the second cache, and a piece for every thread.
  const kernels::Product& product = product_of(w);
  const int64_t most = product.hot_rows(w.in);
  const int64_t shared = threads_->count() == 1 ? 1 : 4 * threads_->count() / x.batch();
  const int64_t tiles = std::clamp((places + most - 1) / most, std::min(shared, places), places);
  const int64_t longest = (places + tiles - 1) / tiles;
  const int64_t spare_size =
      product.rounds() ? longest * row_stride(w.in, product.input) * bytes_of(product.input) / 4
                       : scratch_of(w);
  const int64_t windows_size = whole_lines(longest * row_stride(w.in));
  const int64_t scratch_size = windows_size + whole_lines(spare_size);
  const std::shared_ptr<float[]> scratch = arena_.take(scratch_size * threads_->count());
  threads_->run(x.batch() * tiles, [&](int64_t task, int worker) {
    const int64_t image = task / tiles;
    const int64_t begin = places * (task % tiles) / tiles;
    const int64_t end = places * (task % tiles + 1) / tiles;
    const Plane plane{x, x.first(image), grid.rows, grid.columns};
    float* windows = scratch.get() + worker * scratch_size;
    for (int64_t i = begin; i < end; ++i) {
      copy_window(plane, i / columns * stride, i % columns * stride,
                  windows + (i - begin) * row_stride(w.in));
    }
    multiply_tile(windows, end - begin, w, activation, windows + windows_size,
                  out.row(out.first(image) + begin), out.stride());
  });
  return out;
}

}  // namespace fovea
