// Google Benchmark timings of the kernels on one thread: `kernels_bench --benchmark_filter=gemm`.
// FOVEA_SIMD caps the instruction set.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "fovea/backend/cpu/arena.h"
#include "fovea/backend/cpu/kernels/kernels.h"
#include "fovea/backend/cpu/peak.h"
#include "fovea/backend/cpu/tensor.h"
#include "fovea/backend/kinds.h"

namespace fovea::kernels {
namespace {

const Table& chosen_table() {
  static const Table chosen = table(chosen_instructions());
  return chosen;
}

std::shared_ptr<float[]> random_floats(int64_t count) {
  std::shared_ptr<float[]> values = allocate_floats(count);
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> distribution(-1, 1);
  for (int64_t i = 0; i < count; ++i) values[i] = distribution(generator);
  return values;
}

const Product& product_of(Dtype dtype) { return chosen_table().product(dtype); }

// Reports operations per second and their share of the multiply-add peak of the arithmetic used.
void report(benchmark::State& state, double operations, Dtype dtype = Dtype::f32) {
  static const double peak = multiply_add_peak(chosen_instructions());
  using benchmark::Counter;
  // The dot product of pairs does two multiply-adds a lane.
  const double best = product_of(dtype).rounds() ? 2 * peak : peak;
  state.counters["GFLOPS"] = Counter(operations * 1e-9, Counter::kIsIterationInvariantRate);
  state.counters["of_peak"] = Counter(operations / best, Counter::kIsIterationInvariantRate);
}

// Rows of activations as `product` takes them.
std::shared_ptr<float[]> random_input(const Product& product, int64_t rows, int64_t width,
                                      int64_t stride) {
  std::shared_ptr<float[]> values = random_floats(rows * stride);
  if (!product.rounds()) return values;
  std::shared_ptr<float[]> rounded = allocate_floats(rows * stride / 2);
  product.round_rows(values.get(), stride, rows, width, rounded.get(), stride);
  return rounded;
}

void gemm(benchmark::State& state, Epilogue epilogue, Activation activation, Dtype dtype) {
  const Table& t = chosen_table();
  const Product& product = product_of(dtype);
  Gemm g;
  g.m = state.range(0);
  g.k = state.range(1);
  g.n = state.range(2);
  // As activations lie.
  g.a_stride = row_stride(g.k, product.input);
  const auto a = random_input(product, g.m, g.k, g.a_stride);
  const auto weight = random_floats(g.n * g.k);
  const auto panels = allocate_floats(product.packed_bytes(g.n, g.k) / 4);
  const auto bias = random_floats(g.n);
  product.pack_panels(weight.get(), g.k, g.n, g.k, 0, panel_count(t, g.n), panels.get());
  g.c_dtype = activation == Activation::none ? Dtype::f32 : product.input;
  g.c_stride = row_stride(g.n, g.c_dtype);
  const auto c = random_floats(g.m * g.c_stride);
  g.a = a.get();
  g.b = panels.get();
  g.c = c.get();
  g.bias = bias.get();
  g.epilogue = epilogue;
  g.activation = activation;
  const auto scratch = allocate_floats(product.gemm_scratch ? product.gemm_scratch(g) : 0);
  g.scratch = scratch.get();
  for (auto _ : state) product.gemm(g, 0, g.m, 0, panel_count(t, g.n));
  report(state, 2.0 * static_cast<double>(g.m * g.n * g.k), dtype);
}

void gemm_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "in", "out"});
  for (const int rows : {197, 125, 54}) {
    for (const int width : {384, 768}) {
      b->Args({rows, width, 3 * width})->Args({rows, width, width});
      b->Args({rows, width, 4 * width})->Args({rows, 4 * width, width});
    }
  }
  b->Args({1370, 384, 1536})->Args({197, 1024, 4096});
}

void attention(benchmark::State& state, Dtype dtype) {
  const Table& t = chosen_table();
  Attention a;
  a.tokens = state.range(0);
  a.width = state.range(1);
  a.q_stride = a.k_stride = a.v_stride = 3 * 6 * a.width;
  a.value_width = a.width;
  a.scale = softmax_scale(a.width);
  a.out_stride = 6 * a.width;
  const auto qkv = random_floats(a.tokens * a.q_stride);
  const auto sizes = random_floats(a.tokens);
  const auto out = allocate_floats(a.tokens * a.out_stride);
  const auto scratch = allocate_floats(attention_scratch(t, a.tokens, a.width, a.width));
  a.q = qkv.get();
  a.k = a.q + 6 * a.width;
  a.v = a.k + 6 * a.width;
  a.log_size = sizes.get();
  a.out = out.get();
  for (auto _ : state) product_of(dtype).attention(a, 0, a.tokens, scratch.get());
  report(state, 4.0 * static_cast<double>(a.tokens * a.tokens * a.width), dtype);
}

void layer_norm(benchmark::State& state) {
  const int64_t rows = 197;
  const int64_t width = state.range(0);
  const auto x = random_floats(rows * width);
  const auto out = allocate_floats(rows * width);
  const auto gamma = random_floats(width);
  for (auto _ : state) {
    chosen_table().layer_norm(x.get(), width, rows, width, gamma.get(), gamma.get(), 1e-6F,
                              out.get(), width);
  }
  state.SetBytesProcessed(state.iterations() * rows * width * 8);
}

void match(benchmark::State& state) {
  const Table& t = chosen_table();
  const int64_t tokens = state.range(0);
  const int64_t width = 64;
  const auto a = random_floats(tokens / 2 * width);
  const auto b = random_floats(tokens / 2 * width);
  const auto scratch = allocate_floats(match_scratch(t, tokens / 2, width));
  std::vector<float> best(tokens / 2);
  std::vector<int32_t> column(tokens / 2);
  const Match m{a.get(), b.get(),         tokens / 2,  tokens / 2,   width,
                0,       Similarity::dot, best.data(), column.data()};
  for (auto _ : state) t.match(m, scratch.get());
  report(state, 2.0 * static_cast<double>(m.rows * m.columns * width));
}

void gelu_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "in", "out"})->Args({197, 384, 1536})->Args({197, 768, 3072});
}

void residual_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "in", "out"})->Args({197, 384, 384})->Args({197, 1536, 384});
}

void attention_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"tokens", "width"})->ArgsProduct({{54, 125, 197, 577, 1370}, {64}})->Args({197, 80});
}

BENCHMARK_CAPTURE(gemm, f32, Epilogue::store, Activation::none, Dtype::f32)->Apply(gemm_shapes);
BENCHMARK_CAPTURE(gemm, bf16, Epilogue::store, Activation::none, Dtype::bf16)->Apply(gemm_shapes);
BENCHMARK_CAPTURE(gemm, f32_gelu, Epilogue::store, Activation::gelu, Dtype::f32)
    ->Apply(gelu_shapes);
BENCHMARK_CAPTURE(gemm, bf16_gelu, Epilogue::store, Activation::gelu, Dtype::bf16)
    ->Apply(gelu_shapes);
BENCHMARK_CAPTURE(gemm, f32_residual, Epilogue::residual, Activation::none, Dtype::f32)
    ->Apply(residual_shapes);
BENCHMARK_CAPTURE(gemm, bf16_residual, Epilogue::residual, Activation::none, Dtype::bf16)
    ->Apply(residual_shapes);
BENCHMARK_CAPTURE(attention, f32, Dtype::f32)->Apply(attention_shapes);
BENCHMARK_CAPTURE(attention, bf16, Dtype::bf16)->Apply(attention_shapes);
BENCHMARK(layer_norm)->Arg(384)->Arg(768);
BENCHMARK(match)->ArgName("tokens")->Arg(54)->Arg(197)->Arg(1370);

}  // namespace
}  // namespace fovea::kernels

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("level", fovea::to_string(fovea::chosen_instructions()));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
