// Instruction-set levels, from the one every machine has to the best this one has.
#pragma once

#include <string>
#include <vector>

namespace fovea {

enum class SimdLevel { scalar, avx2, avx512, avx512_bf16 };

// "scalar", "avx2", "avx512", "avx512_bf16".
std::string to_string(SimdLevel level);

// The levels of this architecture, for messages: "scalar, avx2, avx512 or avx512_bf16".
std::string level_names();

// The levels this machine can run, from the lowest to the highest.
std::vector<SimdLevel> available_levels();

// The best available level, capped by the environment variable FOVEA_SIMD. Throws Error for a name
// it does not know.
SimdLevel chosen_level();

}  // namespace fovea
