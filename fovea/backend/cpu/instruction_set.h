// Instruction sets: what a processor can do beyond the least of its architecture, as a set.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace fovea {

// neon is of 64-bit ARM, the ones after it are of x86-64.
enum class SimdFeature : uint32_t { neon = 1, avx2 = 2, avx512 = 4, avx512_bf16 = 8 };

// Of processors what they have, of kernels what they need. The empty one is scalar.
class InstructionSet {
 public:
  constexpr InstructionSet() = default;
  constexpr InstructionSet(std::initializer_list<SimdFeature> features) {
    for (const SimdFeature feature : features) features_ |= static_cast<uint32_t>(feature);
  }

  // Whether all of `needed` are there.
  constexpr bool has(InstructionSet needed) const { return both(needed) == needed; }
  constexpr InstructionSet both(InstructionSet other) const {
    return InstructionSet(features_ & other.features_);
  }
  constexpr InstructionSet either(InstructionSet other) const {
    return InstructionSet(features_ | other.features_);
  }
  friend constexpr bool operator==(const InstructionSet&, const InstructionSet&) = default;

 private:
  constexpr explicit InstructionSet(uint32_t features) : features_(features) {}

  uint32_t features_ = 0;
};

// The sets that FOVEA_SIMD has a name for.
namespace levels {
inline constexpr InstructionSet kScalar;
inline constexpr InstructionSet kNeon{SimdFeature::neon};
inline constexpr InstructionSet kAvx2{SimdFeature::avx2};
inline constexpr InstructionSet kAvx512{SimdFeature::avx2, SimdFeature::avx512};
inline constexpr InstructionSet kAvx512Bf16 =
    kAvx512.either(InstructionSet{SimdFeature::avx512_bf16});
}  // namespace levels

// "scalar", "neon", "avx2", "avx512", "avx512_bf16": the last known level that is in the set.
std::string to_string(InstructionSet set);

// The levels of this architecture, from the lowest to the highest; and in words, for messages:
// "scalar, avx2, avx512 or avx512_bf16".
std::vector<InstructionSet> known_levels();
std::string level_names();

// The levels this machine can run, from the lowest to the highest.
std::vector<InstructionSet> available_levels();

// What this machine has, less what the level that the environment variable FOVEA_SIMD names has
// not. Throws Error for a name that no level of this architecture has.
InstructionSet chosen_instructions();

}  // namespace fovea
