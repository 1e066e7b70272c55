// Antialiased resampling filters, for position embeddings and for pictures.
#pragma once

#include <vector>

#include "fovea/backend/positions.h"
#include "fovea/model/config.h"

namespace fovea {

// One entry for each of `to` outputs over `from` inputs: half-pixel centres; the filter (cubic with
// a = -0.5, or a triangle) widens when shrinking.
std::vector<Taps> make_taps(int from, int to, Interpolation interpolation);

// The same as transformers resamples positions: cubic with a = -0.75, not widened, edges repeated.
std::vector<Taps> make_plain_taps(int from, int to);

}  // namespace fovea
