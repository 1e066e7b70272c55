#include "fovea/backend/cpu/cpu.h"

#include <algorithm>
#include <utility>

namespace fovea {
namespace {

// The mean over heads of one part's rows of the joint weights: [C' / heads, C].
Array mean_weight(const Array& joint, size_t part, int heads) {
  const int64_t channels = joint.shape[1];
  const int64_t outputs = joint.shape[0] / 3;
  const int64_t width = outputs / heads;
  Array mean({width, channels});
  const float* rows = joint.data.data() + static_cast<int64_t>(part) * outputs * channels;
  for (int64_t i = 0; i < outputs; ++i) {
    float* out = mean.data.data() + i % width * channels;
    for (int64_t c = 0; c < channels; ++c) {
      out[c] += rows[i * channels + c] / static_cast<float>(heads);
    }
  }
  return mean;
}

}  // namespace

Cpu::Cpu(SimdLevel level, Dtype dtype, std::shared_ptr<Threads> threads)
    : kernels_(&kernels::table(level)), dtype_(dtype), threads_(std::move(threads)) {}

const kernels::Product& Cpu::product_of(Dtype dtype) const {
  return dtype == Dtype::bf16 ? kernels_->bf16 : kernels_->f32;
}

Tensor Cpu::make(std::shared_ptr<const Sequences> sequences, int64_t channels) {
  const int64_t rows = sequences->back();
  const int64_t stride = row_stride(channels);
  return {std::move(sequences), channels, stride, arena_.take(rows * stride)};
}

Tensor Cpu::make_half(std::shared_ptr<const Sequences> sequences, int64_t channels) {
  const int64_t rows = sequences->back();
  const int64_t stride = half_row_stride(channels);
  Tensor x =
      Tensor::half(std::move(sequences), channels, stride, arena_.take((rows * stride + 1) / 2));
  if (channels % 2 != 0) {  // the other half of the last pair, which products multiply by zero
    for (int64_t i = 0; i < rows; ++i) x.half_row(i)[channels] = 0;
  }
  return x;
}

Tensor Cpu::like(const Tensor& x, int64_t channels) { return make(x.shared_sequences(), channels); }

void Cpu::for_ranges(int64_t count, int64_t least,
                     const std::function<void(int64_t, int64_t)>& work) {
  // Many small pieces: whoever is held up takes fewer.
  const int64_t pieces =
      std::clamp<int64_t>(count / std::max<int64_t>(1, least), 1, int64_t{16} * threads_->count());
  if (threads_->count() == 1 || pieces == 1) return work(0, count);
  threads_->run(pieces,
                [&](int64_t i, int) { work(count * i / pieces, count * (i + 1) / pieces); });
}

CpuLinear Cpu::make_linear(const Weight& weight, const Weight& bias) {
  return pack(weight.values, bias.values, dtype_);
}

CpuLinear Cpu::make_exact_linear(const Weight& weight, const Weight& bias) {
  return pack(weight.values, bias.values, Dtype::f32);
}

CpuLinear Cpu::pack(const Array& weight, const Array& bias, Dtype dtype) {
  CpuLinear linear;
  linear.out = weight.shape.at(0);
  linear.in = elements(weight.shape) / linear.out;
  linear.dtype = dtype;
  linear.bias = bias.empty() ? std::vector<float>(linear.out) : bias.data;
  const kernels::Product& product = product_of(dtype);
  linear.panels = allocate_floats(product.packed_bytes(linear.out, linear.in) / 4 + 1);
  for_ranges(kernels::panel_count(*kernels_, linear.out), 1, [&](int64_t begin, int64_t end) {
    product.pack_panels(weight.data.data(), linear.in, linear.out, linear.in, begin, end,
                        linear.panels.get());
  });
  return linear;
}

CpuQkv Cpu::make_qkv(const Weight& weight, const Weight& bias, int heads) {
  CpuQkv qkv;
  qkv.joint = make_linear(weight, bias);
  if (takes_half(qkv.joint)) qkv.mean = mean_weights(weight.values, heads);
  return qkv;
}

std::array<CpuLinear, 3> Cpu::mean_weights(const Array& joint, int heads) {
  std::array<Linear, 3> mean;
  for (size_t part = 0; part < mean.size(); ++part) {
    mean[part] = make_linear({mean_weight(joint, part, heads)}, {});
  }
  return mean;
}

CpuNorm Cpu::make_norm(Weight gamma, Weight beta, double eps) {
  return {std::move(gamma.values.data), std::move(beta.values.data), static_cast<float>(eps)};
}

Cpu::Vector Cpu::make_vector(Weight values) { return std::move(values.values.data); }
Cpu::Rows Cpu::make_rows(Weight rows) { return std::move(rows.values); }

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
  if (profile_) profile_->product_operations += 2.0 * static_cast<double>(x.rows() * w.out * w.in);
  if (takes_half(w) && !x.is_half()) return run_in_halves(x, w, epilogue, activation, scale, out);
  run_product(x, w, w.bias.data(), epilogue, activation, scale, out);
}

// Few inputs are in single precision, and rounding those (pixels above all) would show in all that
// follows: as the sum of two bf16 they lose next to nothing.
void Cpu::run_in_halves(const Tensor& x, const Linear& w, kernels::Epilogue epilogue,
                        Activation activation, const Vector& scale, const Tensor& out) {
  using kernels::Epilogue;
  run_product(narrow(x, kernels_->narrow_rest), w, nullptr, epilogue, Activation::none, scale, out);
  if (epilogue == Epilogue::store) epilogue = Epilogue::add;
  run_product(narrow(x, kernels_->narrow_rows), w, w.bias.data(), epilogue, activation, scale, out);
}

int64_t Cpu::scratch_of(const Linear& w) const {
  const kernels::Product& product = product_of(w.dtype);
  kernels::Gemm g;
  g.k = w.in;
  return product.gemm_scratch ? product.gemm_scratch(g) : 0;
}

void Cpu::run_product(const Tensor& x, const Linear& w, const float* bias,
                      kernels::Epilogue epilogue, Activation activation, const Vector& scale,
                      const Tensor& out) {
  const kernels::Product& product = product_of(w.dtype);
  kernels::Gemm g;
  g.a = x.data();
  g.a_stride = x.stride();
  g.b = w.panels.get();
  g.c = out.is_half() ? nullptr : out.data();
  g.c_half = out.is_half() ? out.half_row(0) : nullptr;
  g.c_stride = out.stride();
  g.m = x.rows();
  g.n = w.out;
  g.k = w.in;
  g.bias = bias;
  g.scale = scale.empty() ? nullptr : scale.data();
  g.epilogue = epilogue;
  g.activation = activation;
  // Block after block of rows, so that a thread finds the rows of its last piece in its cache.
  const int64_t panels = kernels::panel_count(*kernels_, g.n);
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

Tensor Cpu::narrow(const Tensor& x, kernels::NarrowRows to_half) {
  Tensor out = make_half(x.shared_sequences(), x.channels());
  for_ranges(x.rows(), 16, [&](int64_t begin, int64_t end) {
    to_half(x.row(begin), x.stride(), end - begin, x.channels(), out.half_row(begin), out.stride());
  });
  return out;
}

Tensor Cpu::hidden(const Tensor& x, const Linear& w, bool half) {
  if (!half || !takes_half(w) || w.in > product_of(w.dtype).most_depth) return like(x, w.out);
  return make_half(x.shared_sequences(), w.out);
}

CpuNorm Cpu::make_fixed_norm(int64_t channels, double eps) {
  return {std::vector<float>(channels, 1.0F), std::vector<float>(channels),
          static_cast<float>(eps)};
}

Tensor Cpu::linear(const Tensor& x, const Linear& w) {
  Tensor out = like(x, w.out);
  multiply(x, w, kernels::Epilogue::store, Activation::none, {}, out);
  return out;
}

Tensor Cpu::hidden_linear(const Tensor& x, const Linear& w) {
  Tensor out = hidden(x, w, true);
  multiply(x, w, kernels::Epilogue::store, Activation::none, {}, out);
  return out;
}

Tensor Cpu::linear_gelu(const Tensor& x, const Linear& w) {
  Tensor out = hidden(x, w, x.is_half());
  multiply(x, w, kernels::Epilogue::store, Activation::gelu, {}, out);
  return out;
}

Tensor Cpu::add_linear(Tensor x, const Tensor& h, const Linear& w, const Vector& scale) {
  multiply(h, w, kernels::Epilogue::residual, Activation::none, scale, x);
  return x;
}

Tensor Cpu::layer_norm(const Tensor& x, const Norm& norm) {
  const Timed timed = time(Work::norms);
  Tensor out = like(x, x.channels());
  for_ranges(x.rows(), 16, [&](int64_t begin, int64_t end) {
    kernels_->layer_norm(x.row(begin), x.stride(), end - begin, x.channels(), norm.gamma.data(),
                         norm.beta.data(), norm.eps, out.row(begin), out.stride());
  });
  return out;
}

// LayerNorm in the format that `w` takes, rounded while a few rows are still in the first cache;
// `rest` is given what that takes.
Tensor Cpu::norm_for(const Tensor& x, const Norm& norm, const Linear& w,
                     std::optional<Tensor>* rest) {
  if (!takes_half(w)) return layer_norm(x, norm);
  const Timed timed = time(Work::norms);
  constexpr int64_t kRows = 4;
  Tensor out = make_half(x.shared_sequences(), x.channels());
  if (rest != nullptr) rest->emplace(make_half(x.shared_sequences(), x.channels()));
  for_ranges(x.rows(), 16, [&](int64_t begin, int64_t end) {
    std::vector<float> rows(kRows * x.channels());
    for (int64_t i = begin; i < end; i += kRows) {
      const int64_t count = std::min(kRows, end - i);
      kernels_->layer_norm(x.row(i), x.stride(), count, x.channels(), norm.gamma.data(),
                           norm.beta.data(), norm.eps, rows.data(), x.channels());
      kernels_->narrow_rows(rows.data(), x.channels(), count, x.channels(), out.half_row(i),
                            out.stride());
      if (rest == nullptr) continue;
      kernels_->narrow_rest(rows.data(), x.channels(), count, x.channels(), (*rest)->half_row(i),
                            (*rest)->stride());
    }
  });
  return out;
}

CpuProjection Cpu::project(const Tensor& x, const Norm& norm, const Qkv& w, bool matched) {
  CpuProjection qkv;
  qkv.mean_weights = &w.mean;
  const bool rounds = takes_half(w.joint);
  const Tensor normed = norm_for(x, norm, w.joint, matched && rounds ? &qkv.rest : nullptr);
  qkv.joint = like(x, w.joint.out);
  multiply(normed, w.joint, kernels::Epilogue::store, Activation::none, {}, qkv.joint);
  return qkv;
}

Tensor Cpu::norm_linear(const Tensor& x, const Norm& norm, const Linear& w) {
  Tensor out = hidden(x, w, true);
  multiply(norm_for(x, norm, w), w, kernels::Epilogue::store, Activation::none, {}, out);
  return out;
}

Tensor Cpu::norm_linear_gelu(const Tensor& x, const Norm& norm, const Linear& w) {
  Tensor out = hidden(x, w, true);
  multiply(norm_for(x, norm, w), w, kernels::Epilogue::store, Activation::gelu, {}, out);
  return out;
}

Tensor Cpu::attention(const Projection& projection, int heads, std::span<const float> log_sizes) {
  const Tensor& qkv = projection.joint;
  const Tensor& queries = projection.queries ? *projection.queries : qkv;
  const Timed timed = time(Work::attention);
  const int64_t channels = projection.channels();
  const int64_t keys = projection.offset(QkvPart::k);
  const int64_t width = channels / heads;
  const kernels::Product& product = product_of(dtype_);
  Tensor out = product.half_input ? make_half(queries.shared_sequences(), channels)
                                  : like(queries, channels);
  int64_t most_tokens = 0;
  for (int64_t b = 0; b < qkv.batch(); ++b) {
    const int64_t tokens = qkv.tokens(b);
    most_tokens = std::max(most_tokens, tokens);
    if (profile_) {
      profile_->attention_operations +=
          4.0 * static_cast<double>(queries.tokens(b) * tokens * channels);
    }
  }
  const int64_t scratch_size = kernels::attention_scratch(*kernels_, most_tokens, width, width);
  const std::shared_ptr<float[]> scratch = arena_.take(scratch_size * threads_->count());
  // Few heads for many threads: let several tasks share a head's queries, each packing its keys
  // anew.
  const int64_t pairs = qkv.batch() * heads;
  const int64_t parts =
      pairs % threads_->count() == 0 ? 1 : std::max<int64_t>(1, 4 * threads_->count() / pairs);
  threads_->run(pairs * parts, [&](int64_t task, int worker) {
    const int64_t image = task / parts / heads;
    const int64_t head = task / parts % heads;
    const int64_t part = task % parts;
    const int64_t asking = queries.tokens(image);
    kernels::Attention a;
    a.q = queries.row(queries.first(image)) + head * width;
    a.q_stride = queries.stride();
    a.k = qkv.row(qkv.first(image)) + keys + head * width;
    a.v = a.k + channels;
    a.k_stride = a.v_stride = qkv.stride();
    a.value_width = width;
    a.scale = kernels::softmax_scale(width);
    a.tokens = qkv.tokens(image);
    a.width = width;
    a.log_size = log_sizes.empty() ? nullptr : log_sizes.data() + qkv.first(image);
    const int64_t row = out.first(image);
    a.out = out.is_half() ? static_cast<void*>(out.half_row(row) + head * width)
                          : static_cast<void*>(out.row(row) + head * width);
    a.out_stride = out.stride();
    product.attention(a, asking * part / parts, asking * (part + 1) / parts,
                      scratch.get() + worker * scratch_size);
  });
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
    kernels_->weighted_sum(rows.data(), factors.data(), static_cast<int64_t>(rows.size()),
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
  for (int64_t i = 0; i < x.rows(); ++i) out = std::copy_n(x.row(i), x.channels(), out);
}

Array Cpu::read(const Tensor& x) const {
  Array rows({x.rows(), x.channels()});
  read(x, rows.data.data());
  return rows;
}

}  // namespace fovea
