#include "fovea/model/stem.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "fovea/io/fail.h"

namespace fovea {

const char* to_string(Stem stem) {
  if (stem == Stem::linear) return "linear";
  return stem == Stem::hmlp ? "hmlp" : "conv";
}

std::vector<StemConvolution> hmlp_convolutions(int width, int patch, const std::string& where) {
  if (patch < 4 || patch % 4 != 0 || width < 4 || width % 4 != 0) {
    fail(
        "{}: an hMLP stem for patches of {} pixels and {} channels; expected multiples of 4 for "
        "both",
        where, patch, width);
  }
  const int narrow = width / 4;
  if (patch == 4) return {{2, 2, narrow}, {2, 2, width}};
  return {{patch / 4, patch / 4, narrow}, {2, 2, narrow}, {2, 2, width}};
}

std::vector<StemConvolution> overlapping_convolutions(std::span<const int> channels, int patch,
                                                      const std::string& where) {
  const size_t count = channels.size();
  const bool is_power = patch > 0 && std::has_single_bit(static_cast<unsigned>(patch));
  const size_t halvings = is_power ? std::countr_zero(static_cast<unsigned>(patch)) : 0;
  if (!is_power || halvings > count) {
    fail("{}: patches of {} pixels behind {} convolutions; expected a power of 2, up to {}", where,
         patch, count, int64_t{1} << std::min<size_t>(count, 30));
  }
  std::vector<StemConvolution> convolutions;
  for (size_t i = 0; i < count; ++i) {
    convolutions.push_back({3, i + halvings < count ? 1 : 2, channels[i]});
  }
  return convolutions;
}

}  // namespace fovea
