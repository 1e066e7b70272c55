// Sound at another rate, through soxr, which is looked for when a file needs it.
#pragma once

#include <memory>

#include "fovea/data/sound.h"

namespace fovea {

// The same sound at `rate` samples a second: the reader itself where that is its own. Throws
// MissingLibrary.
std::unique_ptr<SoundReader> resampled(std::unique_ptr<SoundReader> sound, int rate);

}  // namespace fovea
