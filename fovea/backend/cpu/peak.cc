#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fovea/backend/cpu/peak.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <ctime>

#include "fovea/backend/cpu/peak.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Processor time of this thread, as Google Benchmark counts it: what other processes take does not
// show.
inline double thread_seconds() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Seconds for `rounds` of twelve independent multiply-adds, and their number in `count`.
double time_multiply_adds(int64_t rounds, double& count) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const V factor = hn::Set(d, 0.999F);
  const V term = hn::Set(d, 1e-3F);
  V sums[12];
  for (V& sum : sums) sum = hn::Set(d, 1.0F);
  const double start = thread_seconds();
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (V& sum : sums) sum = hn::MulAdd(sum, factor, term);
  }
  const double seconds = thread_seconds() - start;
  V all = sums[0];
  for (int j = 1; j < 12; ++j) all = hn::Add(all, sums[j]);
  volatile float sink = hn::GetLane(hn::SumOfLanes(d, all));
  static_cast<void>(sink);
  count = 12.0 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
  return seconds;
}

}  // namespace fovea::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea {

double multiply_add_peak(InstructionSet set) {
  auto* time = &N_SCALAR::time_multiply_adds;
#if HWY_TARGETS & HWY_NEON
  if (set.has(levels::kNeon)) time = &N_NEON::time_multiply_adds;
#endif
#if HWY_TARGETS & HWY_AVX2
  if (set.has(levels::kAvx2)) time = &N_AVX2::time_multiply_adds;
#endif
#if HWY_TARGETS & HWY_AVX3
  if (set.has(levels::kAvx512)) time = &N_AVX3::time_multiply_adds;
#endif
  double best = 0;
  for (int i = 0; i < 10; ++i) {
    double count = 0;
    const double seconds = time(2'000'000, count);
    best = std::max(best, 2 * count / seconds);
  }
  return best;
}

}  // namespace fovea
#endif
