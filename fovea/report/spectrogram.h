// Spectrograms as pictures: time to the right, low frequencies below.
#pragma once

#include <span>
#include <vector>

#include "fovea/data/image.h"
#include "fovea/report/groups.h"

namespace fovea {

// How loud each mel bin of each frame is, to be drawn.
struct Spectrogram {
  int frames = 0;
  int bins = 0;
  // [bins, frames], the highest bin first: 1 is the loudest, 0 is 80 dB less, or the quietest where
  // that is louder.
  std::vector<float> levels;
};

// log_mel: [at least frames, filters], natural logarithms of power; of each frame the lowest `bins`
// of its filters are taken.
Spectrogram spectrogram_of(std::span<const float> log_mel, int filters, int frames, int bins);

// Each level in its heat_colour, a square of `enlarged` pixels a side.
Image draw_spectrogram(const Spectrogram& spectrogram, int enlarged);

// The colour of each group's mean level. labels: of every level.
GroupColours level_colours(const Spectrogram& spectrogram, const PatchLabels& labels);

}  // namespace fovea
