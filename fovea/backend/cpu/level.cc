#include "fovea/backend/cpu/level.h"

#include <hwy/targets.h>

#include <cstdlib>
#include <iterator>
#include <string_view>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

#if HWY_ARCH_X86_64

constexpr SimdLevel kLevels[] = {SimdLevel::scalar, SimdLevel::avx2, SimdLevel::avx512,
                                 SimdLevel::avx512_bf16};

bool is_available(SimdLevel level) {
  const int64_t targets = hwy::SupportedTargets();
  const bool has_avx512 = (targets & HWY_AVX3) != 0;
  switch (level) {
    case SimdLevel::avx2:
      return (targets & HWY_AVX2) != 0;
    case SimdLevel::avx512:
      return has_avx512;
    case SimdLevel::avx512_bf16:
      return has_avx512 && __builtin_cpu_supports("avx512bf16") != 0;
    default:
      return level == SimdLevel::scalar;
  }
}

#else

#if HWY_ARCH_ARM_A64
constexpr SimdLevel kLevels[] = {SimdLevel::scalar, SimdLevel::neon};
#else
constexpr SimdLevel kLevels[] = {SimdLevel::scalar};
#endif

bool is_available(SimdLevel) { return true; }  // NEON is part of the architecture

#endif

}  // namespace

std::string to_string(SimdLevel level) {
  switch (level) {
    case SimdLevel::neon:
      return "neon";
    case SimdLevel::avx2:
      return "avx2";
    case SimdLevel::avx512:
      return "avx512";
    case SimdLevel::avx512_bf16:
      return "avx512_bf16";
    case SimdLevel::scalar:
      break;
  }
  return "scalar";
}

std::span<const SimdLevel> known_levels() { return kLevels; }

std::string level_names() {
  std::string names;
  for (const SimdLevel level : kLevels) {
    if (!names.empty()) names += level == std::end(kLevels)[-1] ? " or " : ", ";
    names += to_string(level);
  }
  return names;
}

std::vector<SimdLevel> available_levels() {
  std::vector<SimdLevel> levels;
  for (const SimdLevel level : kLevels) {
    if (is_available(level)) levels.push_back(level);
  }
  return levels;
}

SimdLevel chosen_level() {
  const char* cap = std::getenv("FOVEA_SIMD");
  const SimdLevel best = available_levels().back();
  if (cap == nullptr || *cap == '\0') return best;
  for (const SimdLevel level : kLevels) {
    if (to_string(level) == cap) return level < best ? level : best;
  }
  fail("FOVEA_SIMD={}: expected {}", cap, level_names());
}

}  // namespace fovea
