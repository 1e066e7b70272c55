// Google Benchmark timings of Segment Anything's prompt encoder and mask decoder at its published
// size, on random weights: `segment_bench`. FOVEA_SIMD caps the instruction set.
#include <benchmark/benchmark.h>

#include <memory>
#include <thread>
#include <vector>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/backend/cpu/peak.h"
#include "fovea/backend/cpu/profiled.h"
#include "fovea/backend/shapes/shapes.h"
#include "fovea/segment/segmentation.h"

namespace fovea {
namespace {

constexpr uint64_t kSeed = 1;

// Points of a grid, as everything mode asks for them; three masks of each.
std::vector<Prompt> points(int64_t count, int side) {
  std::vector<Prompt> prompts(count);
  for (int64_t i = 0; i < count; ++i) {
    const auto at = [&](int64_t k) { return static_cast<float>(k % 32 * side + side / 2) / 32; };
    prompts[i].points = {{at(i), at(i / 32)}};
    prompts[i].labels = {1};
    prompts[i].multimask = true;
  }
  return prompts;
}

// Of what depends on a prompt.
double operations_of_prompt(const DecoderShape& shape) {
  Shapes b;
  RandomWeights weights(kSeed);
  const auto model = Segmentation<Shapes>::load(b, weights, shape);
  const Encoded<Shapes> picture = model.encode(b, {shape.grid.size(), shape.width}, shape.grid);
  const int64_t once = b.multiply_adds();
  const std::vector<Prompt> one = points(1, 1024);
  const Prompt* const prompts[] = {one.data()};
  model.decode(b, picture, prompts);
  return 2.0 * static_cast<double>(b.multiply_adds() - once);
}

struct Setting {
  Cpu cpu;
  DecoderShape shape;
  Segmentation<Cpu> model;
  Encoded<Cpu> picture;

  Setting(Dtype dtype, int threads)
      : cpu(chosen_instructions(), dtype, std::make_shared<Threads>(threads)) {
    RandomWeights weights(kSeed);
    model = Segmentation<Cpu>::load(cpu, weights, shape);
    Array embedding({shape.grid.size(), shape.width});
    for (size_t i = 0; i < embedding.data.size(); ++i) {
      embedding.data[i] = static_cast<float>(i * 7919 % 2003) / 1000 - 1;
    }
    picture = model.encode(cpu, cpu.write(embedding), shape.grid);
  }
};

// Prompts to masks on the host; the counters are of one prompt.
void answer(benchmark::State& state, Dtype dtype, bool with_mask) {
  const int threads = static_cast<int>(state.range(1));
  Setting s(dtype, threads);
  std::vector<Prompt> prompts = points(state.range(0), 1024);
  for (Prompt& prompt : prompts) {
    if (with_mask) prompt.mask = Array({1, 4 * s.shape.grid.rows, 4 * s.shape.grid.columns});
  }
  Profile profile;
  {
    const Profiled profiled(s.cpu, &profile);
    for (auto _ : state) benchmark::DoNotOptimize(s.model.answer(s.cpu, s.picture, prompts));
  }
  using benchmark::Counter;
  static const double peak = multiply_add_peak(chosen_instructions());
  const double runs = static_cast<double>(state.iterations() * state.range(0));
  const double operations = operations_of_prompt(s.shape) * static_cast<double>(state.range(0));
  state.counters["each"] = Counter(runs, Counter::Flags(Counter::kIsRate | Counter::kInvert));
  state.counters["GFLOPS"] = Counter(operations * 1e-9, Counter::kIsIterationInvariantRate);
  state.counters["of_peak"] =
      Counter(operations / (peak * threads), Counter::kIsIterationInvariantRate);
  state.counters["products"] = profile[Work::products] / profile.total();
  state.counters["attention"] = profile[Work::attention] / profile.total();
  state.counters["norms"] = profile[Work::norms] / profile.total();
}

// What is done once for a picture.
void encode(benchmark::State& state) {
  Setting s(Dtype::f32, static_cast<int>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(s.model.encode(s.cpu, s.picture.embedding, s.shape.grid));
  }
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"prompts", "threads"})
      ->Unit(benchmark::kMillisecond)
      ->MeasureProcessCPUTime()
      ->UseRealTime();
  for (const int prompts : {1, 2, 8, 64}) b->Args({prompts, 2});
  for (const int prompts : {1, 8}) b->Args({prompts, 1});
}

BENCHMARK_CAPTURE(answer, f32, Dtype::f32, false)->Apply(sizes);
BENCHMARK_CAPTURE(answer, bf16, Dtype::bf16, false)->Apply(sizes);
BENCHMARK_CAPTURE(answer, mask, Dtype::f32, true)->Apply(sizes);
BENCHMARK(encode)
    ->ArgName("threads")
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("level", fovea::to_string(fovea::chosen_instructions()));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
