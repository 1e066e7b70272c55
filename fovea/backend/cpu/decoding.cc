// The operations of the CPU backend that a decoder of masks needs: sums, products of two
// activations, and grids that become finer.
#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "fovea/backend/cpu/cpu.h"

namespace fovea {

CpuLinear Cpu::make_unfolding(const Weight& weight, const Weight& bias) {
  const Shape& shape = weight.values.shape;
  const int64_t in = shape[0];
  const int64_t out = shape[1];
  const int64_t area = shape[2] * shape[3];
  Array rows({area * out, in});
  Array offset({area * out});
  for (int64_t i = 0; i < area * out; ++i) {
    const int64_t from = i % out * area + i / out;
    offset.data[i] = bias.values.data[i % out];
    for (int64_t c = 0; c < in; ++c) {
      rows.data[i * in + c] = weight.values.data[c * out * area + from];
    }
  }
  return make_linear({std::move(rows)}, {std::move(offset)});
}

Tensor Cpu::unfold(const Tensor& x, int count) {
  const auto sequences = sequences_of(x, [&](int64_t tokens) { return tokens * count; });
  const int64_t channels = x.channels() / count;
  if (x.stride() == x.channels()) return {sequences, channels, channels, x.shared_data()};
  Tensor out = make(sequences, channels);
  for (int64_t i = 0; i < out.rows(); ++i) {
    std::copy_n(x.row(i / count) + i % count * channels, channels, out.row(i));
  }
  return out;
}

Tensor Cpu::join(std::span<const Rows> tables) {
  int64_t rows = 0;
  const int64_t channels = tables[0].shape.back();
  for (const Rows& table : tables) rows += elements(table.shape) / channels;
  Tensor out =
      make(std::make_shared<Sequences>(Sequences{0, static_cast<int32_t>(rows)}), channels);
  int64_t row = 0;
  for (const Rows& table : tables) {
    for (const float* from = table.data.data(); from < table.data.data() + table.data.size();
         from += channels) {
      std::copy_n(from, channels, out.row(row++));
    }
  }
  return out;
}

Tensor Cpu::norm_activation(const Tensor& x, const Norm& norm, Activation activation,
                            Precision precision) {
  const Timed timed = time(Work::norms);
  constexpr int64_t kRows = 16;  // these stay in the first cache
  const int64_t width = x.channels();
  const kernels::Product& product =
      kernels_.product(precision == Precision::product ? dtype_ : Dtype::f32);
  Tensor out = like(x, width, product.input);
  for_ranges(x.rows(), kRows, [&](int64_t begin, int64_t end) {
    std::vector<float> rows(product.rounds() ? kRows * width : 0);
    for (int64_t i = begin; i < end; i += kRows) {
      const int64_t count = std::min(kRows, end - i);
      float* to = product.rounds() ? rows.data() : out.row(i);
      const int64_t stride = product.rounds() ? width : out.stride();
      norm_rows(norm, x.row(i), x.stride(), count, width, to, stride);
      kernels_.activate(to, stride, count, width, activation);
      if (product.rounds()) product.round_rows(to, stride, count, width, out.at(i), out.stride());
    }
  });
  return out;
}

Tensor Cpu::add(const Tensor& x, const Tensor& y, Precision precision) {
  const int64_t width = x.channels();
  const kernels::Product& product =
      kernels_.product(precision == Precision::product ? dtype_ : Dtype::f32);
  Tensor out = like(x, width, product.input);
  for_ranges(x.rows(), 16, [&](int64_t begin, int64_t end) {
    std::vector<float> sum(product.rounds() ? width : 0);
    for (int64_t i = begin; i < end; ++i) {
      const float* rows[] = {x.row(i), y.row(i % y.rows())};
      const float factors[] = {1.0F, 1.0F};
      float* to = product.rounds() ? sum.data() : out.row(i);
      kernels_.weighted_sum(rows, factors, 2, width, 1.0F, to);
      if (product.rounds()) product.round_rows(to, width, 1, width, out.at(i), out.stride());
    }
  });
  return out;
}

Tensor Cpu::product(const Tensor& x, const Tensor& w) {
  const Timed timed = time(Work::products);
  const kernels::Product& product = kernels_.product(Dtype::f32);
  const int64_t columns = w.tokens(0);
  const int64_t depth = x.channels();
  if (profile_) {
    profile_->product_operations += 2.0 * static_cast<double>(x.rows() * columns * depth);
  }
  const int64_t panels = kernels::panel_count(kernels_, columns);
  const int64_t packed = product.packed_bytes(columns, depth) / bytes_of(Dtype::f32);
  const std::shared_ptr<float[]> packs = arena_.take(packed * x.batch());
  for (int64_t b = 0; b < x.batch(); ++b) {
    product.pack_panels(w.row(w.first(b)), w.stride(), columns, depth, 0, panels,
                        packs.get() + b * packed);
  }
  Tensor out = like(x, columns);
  const int64_t pieces = threads_->count() == 1 ? 1 : int64_t{4} * threads_->count();
  threads_->run(x.batch() * pieces, [&](int64_t task, int /*worker*/) {
    const int64_t image = task / pieces;
    const int64_t piece = task % pieces;
    const int64_t first = x.first(image);
    const int64_t rows = x.tokens(image);
    kernels::Gemm g;
    g.a = x.row(first);
    g.a_stride = x.stride();
    g.b = packs.get() + image * packed;
    g.c = out.row(first);
    g.c_stride = out.stride();
    g.m = rows;
    g.n = columns;
    g.k = depth;
    product.gemm(g, rows * piece / pieces, rows * (piece + 1) / pieces, 0, panels);
  });
  return out;
}

Tensor Cpu::keep(const Tensor& x) {
  const int64_t stride = row_stride(x.channels(), x.dtype());
  Tensor out(x.shared_sequences(), x.channels(), stride,
             allocate_floats(x.rows() * stride * bytes_of(x.dtype()) / bytes_of(Dtype::f32)),
             x.dtype());
  // With the rest of the last pair.
  const int64_t whole = (x.channels() * bytes_of(x.dtype()) + 3) / 4 * 4;
  for (int64_t i = 0; i < x.rows(); ++i) {
    std::memcpy(out.at(i), x.at(i), static_cast<size_t>(whole));
  }
  return out;
}

}  // namespace fovea
