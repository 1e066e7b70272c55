#include "fovea/backend/cpu/cpu.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace fovea {
namespace {

// Rows of bf16 as floats, close together.
void widen_rows(const Tensor& x, int64_t first, int64_t count, float* out) {
  for (int64_t i = first; i < first + count; ++i) {
    const auto* row = static_cast<const uint16_t*>(x.at(i));
    for (int64_t c = 0; c < x.channels(); ++c) {
      *out++ = std::bit_cast<float>(static_cast<uint32_t>(row[c]) << 16);
    }
  }
}

}  // namespace

Cpu::Cpu(InstructionSet instructions, Dtype dtype, std::shared_ptr<Threads> threads)
    : kernels_(kernels::table(instructions)), dtype_(dtype), threads_(std::move(threads)) {}

Tensor Cpu::make(std::shared_ptr<const Sequences> sequences, int64_t channels, Dtype dtype) {
  const int64_t rows = sequences->back();
  const int64_t stride = row_stride(channels, dtype);
  Tensor x(std::move(sequences), channels, stride,
           arena_.take(rows * stride * bytes_of(dtype) / bytes_of(Dtype::f32)), dtype);
  // The rest of the last pair, which products multiply by zero.
  if (dtype == Dtype::bf16 && channels % 2 != 0) {
    for (int64_t i = 0; i < rows; ++i) *static_cast<uint16_t*>(x.at(i, channels)) = 0;
  }
  return x;
}

Tensor Cpu::like(const Tensor& x, int64_t channels, Dtype dtype) {
  return make(x.shared_sequences(), channels, dtype);
}

void Cpu::for_ranges(int64_t count, int64_t least,
                     const std::function<void(int64_t, int64_t)>& work) {
  // Many small pieces: whoever is held up takes fewer.
  const int64_t pieces =
      std::clamp<int64_t>(count / std::max<int64_t>(1, least), 1, int64_t{16} * threads_->count());
  if (threads_->count() == 1 || pieces == 1) return work(0, count);
  threads_->run(pieces,
                [&](int64_t i, int) { work(count * i / pieces, count * (i + 1) / pieces); });
}

Tensor Cpu::fold(const Tensor& x, int count) {
  const auto sequences = sequences_of(x, [&](int64_t tokens) { return tokens / count; });
  const int64_t channels = x.channels() * count;
  if (x.stride() == x.channels()) return {sequences, channels, channels, x.shared_data()};
  Tensor out = make(sequences, channels);
  for (int64_t i = 0; i < x.rows(); ++i) {
    std::copy_n(x.row(i), x.channels(), out.row(i / count) + i % count * x.channels());
  }
  return out;
}

void Cpu::multiply(const Tensor& x, const Linear& w, kernels::Epilogue epilogue,
                   Activation activation, const Vector& scale, const Tensor& out) {
  const Timed timed = time(Work::products);
  if (profile_)
    profile_->product_operations += 2.0 * static_cast<double>(x.rows() * w.rows() * w.in);
  const kernels::Product& product = product_of(w);
  if (x.dtype() != product.input) {
    if (!w.is_gated) return run_in_two(x, w, epilogue, activation, scale, out);
    const Tensor rounded = convert(x, product.input, product.round_rows);
    return run_product(rounded, w, w.bias.data(), epilogue, activation, scale, out);
  }
  run_product(x, w, w.bias.data(), epilogue, activation, scale, out);
}

// Few inputs are in single precision, and rounding those (pixels above all) would show in all that
// follows: as the sum of two bf16 they lose next to nothing.
void Cpu::run_in_two(const Tensor& x, const Linear& w, kernels::Epilogue epilogue,
                     Activation activation, const Vector& scale, const Tensor& out) {
  using kernels::Epilogue;
  const kernels::Product& product = product_of(w);
  run_product(convert(x, product.input, product.round_rest), w, nullptr, epilogue, Activation::none,
              scale, out);
  if (epilogue == Epilogue::store) epilogue = Epilogue::add;
  run_product(convert(x, product.input, product.round_rows), w, w.bias.data(), epilogue, activation,
              scale, out);
}

int64_t Cpu::scratch_of(const Linear& w) const {
  const kernels::Product& product = product_of(w);
  kernels::Gemm g;
  g.k = w.in;
  g.is_gated = w.is_gated;
  return product.gemm_scratch ? product.gemm_scratch(g) : 0;
}

void Cpu::run_product(const Tensor& x, const Linear& w, const float* bias,
                      kernels::Epilogue epilogue, Activation activation, const Vector& scale,
                      const Tensor& out) {
  const kernels::Product& product = product_of(w);
  kernels::Gemm g;
  g.a = x.at(0);
  g.a_stride = x.stride();
  g.b = w.panels.get();
  g.c = out.at(0);
  g.c_dtype = out.dtype();
  g.c_stride = out.stride();
  g.m = x.rows();
  g.n = w.out;
  g.k = w.in;
  g.bias = bias;
  g.scale = scale.empty() ? nullptr : scale.data();
  g.epilogue = epilogue;
  g.activation = activation;
  g.is_gated = w.is_gated;
  // Block after block of rows, so that a thread finds the rows of its last piece in its cache.
  const int64_t panels =
      w.is_gated ? kernels::gated_panel_count(kernels_, g.n) : kernels::panel_count(kernels_, g.n);
  const int64_t most_rows = product.hot_rows(g.k);
  const int64_t blocks = (g.m + most_rows - 1) / most_rows;
  const int64_t threads = threads_->count();
  const int64_t pieces = threads == 1 ? 1 : std::min(16 * threads, panels);
  std::shared_ptr<float[]> scratch;
  const int64_t scratch_size = scratch_of(w);
  if (scratch_size > 0) scratch = arena_.take(scratch_size * threads);
  threads_->run(blocks * pieces, [&](int64_t task, int worker) {
    const int64_t block = task / pieces;
    const int64_t piece = task % pieces;
    kernels::Gemm mine = g;
    mine.scratch = scratch.get() + worker * scratch_size;
    product.gemm(mine, g.m * block / blocks, g.m * (block + 1) / blocks, panels * piece / pieces,
                 panels * (piece + 1) / pieces);
  });
}

Tensor Cpu::convert(const Tensor& x, Dtype dtype, kernels::ConvertRows convert_rows) {
  Tensor out = like(x, x.channels(), dtype);
  for_ranges(x.rows(), 16, [&](int64_t begin, int64_t end) {
    convert_rows(x.row(begin), x.stride(), end - begin, x.channels(), out.at(begin), out.stride());
  });
  return out;
}

Tensor Cpu::output(const Tensor& x, const Linear& w, Precision precision) {
  const kernels::Product& product = product_of(w);
  const bool can = w.is_gated || w.in <= product.most_depth;
  return like(x, w.out, precision == Precision::product && can ? product.input : Dtype::f32);
}

Tensor Cpu::linear(const Tensor& x, const Linear& w, Activation activation, Precision precision) {
  // An input in single precision takes two products, of which the second adds to the first's.
  const bool adds = x.dtype() != product_of(w).input && !w.is_gated;
  Tensor out = output(x, w, adds ? Precision::single : precision);
  multiply(x, w, kernels::Epilogue::store, activation, {}, out);
  return out;
}

Tensor Cpu::add_linear(Tensor x, const Tensor& h, const Linear& w, const Vector& scale) {
  multiply(h, w, kernels::Epilogue::residual, Activation::none, scale, x);
  return x;
}

Tensor Cpu::add_normed_linear(Tensor x, const Tensor& h, const Linear& w, const Norm& norm) {
  const Tensor update = linear(h, w);
  const Timed timed = time(Work::norms);
  for_ranges(x.rows(), 16, [&](int64_t begin, int64_t end) {
    norm_rows(norm, update.row(begin), update.stride(), end - begin, x.channels(),
              update.row(begin), update.stride());
    for (int64_t i = begin; i < end; ++i) {
      const float* rows[] = {x.row(i), update.row(i)};
      const float factors[] = {1.0F, 1.0F};
      kernels_.weighted_sum(rows, factors, 2, x.channels(), 1.0F, x.row(i));
    }
  });
  return x;
}

void Cpu::norm_rows(const Norm& norm, const float* x, int64_t stride, int64_t count, int64_t width,
                    float* out, int64_t out_stride) const {
  if (norm.beta.empty()) {
    kernels_.rms_norm(x, stride, count, width, norm.gamma.data(), norm.eps, out, out_stride);
  } else {
    kernels_.layer_norm(x, stride, count, width, norm.gamma.data(), norm.beta.data(), norm.eps, out,
                        out_stride);
  }
}

Tensor Cpu::layer_norm(const Tensor& x, const Norm& norm, Precision precision) {
  return norm_for(x, norm, precision == Precision::product ? dtype_ : Dtype::f32);
}

// Rounded while a few rows are still in the first cache.
Tensor Cpu::norm_for(const Tensor& x, const std::optional<Norm>& norm, Dtype dtype,
                     std::optional<Tensor>* rest) {
  if (!norm && kernels_.product(dtype).input == x.dtype()) return x;
  const Timed timed = time(Work::norms);
  constexpr int64_t kRows = 4;
  const int64_t width = x.channels();
  const kernels::Product& product = kernels_.product(dtype);
  const bool rounds = product.rounds();
  const bool is_wide = x.dtype() == Dtype::f32;
  Tensor out = like(x, width, product.input);
  if (rest != nullptr) rest->emplace(like(x, width, product.input));
  for_ranges(x.rows(), 16, [&](int64_t begin, int64_t end) {
    if (!rounds && is_wide) {
      norm_rows(*norm, x.row(begin), x.stride(), end - begin, width, out.row(begin), out.stride());
      return;
    }
    std::vector<float> rows(kRows * width);
    for (int64_t i = begin; i < end; i += kRows) {
      const int64_t count = std::min(kRows, end - i);
      const float* from = is_wide ? x.row(i) : rows.data();
      if (!is_wide) widen_rows(x, i, count, rows.data());
      int64_t stride = is_wide ? x.stride() : width;
      if (norm) {
        norm_rows(*norm, from, stride, count, width, rounds ? rows.data() : out.row(i),
                  rounds ? width : out.stride());
        from = rows.data();
        stride = width;
      }
      if (!rounds) continue;
      product.round_rows(from, stride, count, width, out.at(i), out.stride());
      if (rest == nullptr) continue;
      product.round_rest(from, stride, count, width, (*rest)->at(i), (*rest)->stride());
    }
  });
  return out;
}

Tensor Cpu::norm_linear(const Tensor& x, const std::optional<Norm>& norm, const Linear& w,
                        Activation activation, Precision precision) {
  Tensor out = output(x, w, precision);
  multiply(norm_for(x, norm, w.dtype), w, kernels::Epilogue::store, activation, {}, out);
  return out;
}

Tensor Cpu::token(const Tensor& x, int index) {
  Tensor out = make(sequences_of(x, [](int64_t) { return 1; }), x.channels());
  for (int64_t b = 0; b < x.batch(); ++b) {
    std::copy_n(x.row(x.first(b) + index), x.channels(), out.row(b));
  }
  return out;
}

Tensor Cpu::average(const Tensor& x, std::span<const float> sizes, int prefix) {
  Tensor out = make(sequences_of(x, [](int64_t) { return 1; }), x.channels());
  for (int64_t b = 0; b < x.batch(); ++b) {
    std::vector<const float*> rows;
    std::vector<float> factors;
    float total = 0;
    for (int64_t i = x.first(b) + prefix; i < x.first(b + 1); ++i) {
      rows.push_back(x.row(i));
      factors.push_back(sizes[i]);
      total += sizes[i];
    }
    kernels_.weighted_sum(rows.data(), factors.data(), static_cast<int64_t>(rows.size()),
                          x.channels(), 1.0F / total, out.row(b));
  }
  return out;
}

Tensor Cpu::concat_channels(const Tensor& a, const Tensor& b) {
  Tensor out = like(a, a.channels() + b.channels());
  for (int64_t i = 0; i < a.rows(); ++i) {
    std::copy_n(a.row(i), a.channels(), out.row(i));
    std::copy_n(b.row(i), b.channels(), out.row(i) + a.channels());
  }
  return out;
}

Tensor Cpu::write(const Array& rows) {
  const int64_t channels = rows.shape[1];
  Tensor x = make(std::make_shared<Sequences>(Sequences{0, static_cast<int32_t>(rows.shape[0])}),
                  channels);
  for (int64_t i = 0; i < x.rows(); ++i) {
    std::copy_n(rows.data.data() + i * channels, channels, x.row(i));
  }
  return x;
}

void Cpu::read(const Tensor& x, float* out) const {
  if (x.stride() == x.channels()) {
    std::copy_n(x.row(0), x.rows() * x.channels(), out);
    return;
  }
  for (int64_t i = 0; i < x.rows(); ++i) out = std::copy_n(x.row(i), x.channels(), out);
}

Array Cpu::read(const Tensor& x) const {
  Array rows({x.rows(), x.channels()});
  read(x, rows.data.data());
  return rows;
}

}  // namespace fovea
