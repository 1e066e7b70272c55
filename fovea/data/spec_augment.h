// Random changes of spectrograms for training: gain, moves in time, and SpecAugment's masks (Park
// and others, 2019). What is drawn depends on nothing but the `Random` that is given.
#pragma once

#include <cstdint>
#include <span>

#include "fovea/io/random.h"
#include "fovea/model/config.h"

namespace fovea {

struct SoundAugmentation {
  double gain = 0;    // up to so many decibels louder or softer
  int shift = 0;      // up to so many frames later or earlier; what leaves comes in again
  int time_mask = 0;  // up to so many frames in a row become the mean
  int freq_mask = 0;  // up to so many mel bins
};

// Rows and columns of a mask, from `begin` to before `end`.
struct MaskBand {
  int64_t begin = 0, end = 0;
};
// Of a width from 0 to `most`, at most all of `count`, anywhere in it.
MaskBand draw_mask(int64_t count, int64_t most, Random& random);

// Moves the rows of [rows, columns] down by `by`, from the end to the beginning.
void roll_rows(std::span<float> values, int64_t columns, int64_t by);

// Log mel frames [n, spec.filters] of a sound -> an input [spec.frames, spec.filters], normalised:
// of more frames a window anywhere in them, fewer are padded with zeros before normalising, as
// preprocess_sound does it. Masks are 0 behind normalising, the mean of all sounds.
void augment_sound(std::span<const float> frames, const SoundPreprocessing& spec,
                   const SoundAugmentation& augmentation, Random& random, std::span<float> out);

}  // namespace fovea
