// Instruction-set levels, from the one every machine has to the best this one has.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace fovea {

// neon is of 64-bit ARM, the ones after it are of x86-64.
enum class SimdLevel { scalar, neon, avx2, avx512, avx512_bf16 };

// "scalar", "neon", "avx2", "avx512", "avx512_bf16".
std::string to_string(SimdLevel level);

// The levels of this architecture, from the lowest to the highest; and in words, for messages:
// "scalar, avx2, avx512 or avx512_bf16".
std::span<const SimdLevel> known_levels();
std::string level_names();

// The levels this machine can run, from the lowest to the highest.
std::vector<SimdLevel> available_levels();

// The best available level, capped by the environment variable FOVEA_SIMD. Throws Error for a name
// that no level of this architecture has.
SimdLevel chosen_level();

}  // namespace fovea
