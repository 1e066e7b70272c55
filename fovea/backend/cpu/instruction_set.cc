#include "fovea/backend/cpu/instruction_set.h"

#include <hwy/targets.h>

#include <cstdlib>
#include <iterator>
#include <string_view>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

struct Level {
  const char* name;
  InstructionSet set;
};

#if HWY_ARCH_X86_64

constexpr Level kLevels[] = {{"scalar", levels::kScalar},
                             {"avx2", levels::kAvx2},
                             {"avx512", levels::kAvx512},
                             {"avx512_bf16", levels::kAvx512Bf16}};

InstructionSet of_this_machine() {
  const int64_t targets = hwy::SupportedTargets();
  InstructionSet set;
  if ((targets & HWY_AVX2) != 0) set = set.either({SimdFeature::avx2});
  if ((targets & HWY_AVX3) != 0) set = set.either({SimdFeature::avx512});
  if (__builtin_cpu_supports("avx512bf16") != 0) set = set.either({SimdFeature::avx512_bf16});
  return set;
}

#elif HWY_ARCH_ARM_A64

constexpr Level kLevels[] = {{"scalar", levels::kScalar}, {"neon", levels::kNeon}};

InstructionSet of_this_machine() { return levels::kNeon; }  // part of the architecture

#else

constexpr Level kLevels[] = {{"scalar", levels::kScalar}};

InstructionSet of_this_machine() { return levels::kScalar; }

#endif

}  // namespace

std::string to_string(InstructionSet set) {
  const char* name = "";
  for (const Level& level : kLevels) {
    if (set.has(level.set)) name = level.name;
  }
  return name;
}

std::vector<InstructionSet> known_levels() {
  std::vector<InstructionSet> sets;
  for (const Level& level : kLevels) sets.push_back(level.set);
  return sets;
}

std::string level_names() {
  std::string names;
  for (const Level& level : kLevels) {
    if (!names.empty()) names += &level == std::end(kLevels) - 1 ? " or " : ", ";
    names += level.name;
  }
  return names;
}

std::vector<InstructionSet> available_levels() {
  std::vector<InstructionSet> sets;
  for (const Level& level : kLevels) {
    if (of_this_machine().has(level.set)) sets.push_back(level.set);
  }
  return sets;
}

InstructionSet chosen_instructions() {
  const char* cap = std::getenv("FOVEA_SIMD");
  if (cap == nullptr || *cap == '\0') return of_this_machine();
  for (const Level& level : kLevels) {
    if (std::string_view(level.name) == cap) return of_this_machine().both(level.set);
  }
  fail("FOVEA_SIMD={}: expected {}", cap, level_names());
}

}  // namespace fovea
