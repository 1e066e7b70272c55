// What embeds patches: one linear layer, or several convolutions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fovea/api.h"

namespace fovea {

// linear: one layer over a patch's pixels. hmlp: convolutions without overlap, a batch norm after
// each and GELU between them ("three things", section 3). conv: 3x3 convolutions that overlap,
// batch norm and GELU after each, then a 1x1 one (Xiao et al. 2021, "Early convolutions help
// transformers see better").
enum class Stem { linear, hmlp, conv };

// "linear", "hmlp" or "conv".
FOVEA_API const char* to_string(Stem stem);

// A convolution that a batch norm follows.
struct StemConvolution {
  int kernel = 3;
  int stride = 1;
  int channels = 0;  // that leave it
  bool operator==(const StemConvolution&) const = default;
};

// Those of the hMLP stem of `width` channels, as its authors have them: steps of 2 after a first
// one that takes what is left, with a quarter of the channels before the last. Three steps, two
// for patches of 4. Throws Error, beginning with `where`, unless 4 divides both numbers.
FOVEA_API std::vector<StemConvolution> hmlp_convolutions(int width, int patch,
                                                         const std::string& where);

// Those of the conv stem, its 1x1 one left out: with so many channels each, and stride 2 in the
// last ones, as many as the patch needs. Throws Error, beginning with `where`, unless the patch is
// a power of 2 that they reach.
FOVEA_API std::vector<StemConvolution> overlapping_convolutions(std::span<const int> channels,
                                                                int patch,
                                                                const std::string& where);

}  // namespace fovea
