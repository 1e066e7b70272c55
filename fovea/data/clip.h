// Clips: as many frames of a video as a model is given, some places apart.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/api.h"
#include "fovea/data/frames.h"
#include "fovea/data/preprocess.h"
#include "fovea/io/array.h"
#include "fovea/model/config.h"

namespace fovea {

// The places of clip `clip` (from 0) of `clips` of `length` frames each, `stride` places apart, in
// `frames` frames: the first clip begins with the first frame, the last one ends with the last, the
// others are spread evenly between them; a single one is in the middle. Where there are too few
// frames each clip begins with the first, and its places go beyond the last one.
FOVEA_API std::vector<int64_t> clip_places(int64_t frames, int length, int stride, int clip = 0,
                                           int clips = 1);

// Writes a frame's values, [3, height, width], to its place `index` in a clip of `frames` frames:
// [3, frames, height, width].
void put_frame(std::span<const float> values, int64_t index, int64_t frames, std::span<float> clip);

// What is at those places, preprocessed as pictures are and normalised: [3, places, spec.height,
// spec.width]. Throws Error as reading and `preprocess` do.
FOVEA_API Array preprocess_clip(FrameSource& source, std::span<const int64_t> places,
                                const Preprocessing& spec);

// The same of several parts of each frame, in their order.
std::vector<Array> preprocess_crops(FrameSource& source, std::span<const int64_t> places,
                                    const Preprocessing& spec, std::span<const CropPlace> crops);

}  // namespace fovea
