// Files as inputs of a model of whatever medium.
#pragma once

#include <cstdint>

#include "fovea/api.h"
#include "fovea/data/source.h"
#include "fovea/io/array.h"
#include "fovea/model/architecture.h"
#include "fovea/model/config.h"

namespace fovea {

inline constexpr int kClipStride = 4;  // as the papers of models of 16 frames take it

// How files become inputs.
struct InputSpec {
  Medium medium = Medium::picture;
  Preprocessing pictures = {};  // and frames of videos
  int frames = 1;               // of a clip
  int stride = kClipStride;     // places from one of its frames to the next
  SoundPreprocessing sound = {};

  // Of one input: [3, height, width], [3, frames, height, width] or [frames, filters].
  Shape shape() const;
};

// What a model wants where nothing else is asked for; `config` has the input's size.
inline InputSpec input_spec(const Architecture& architecture, const Config& config) {
  return {.medium = architecture.medium,
          .pictures = config.preprocessing,
          .frames = made_for(architecture).frames,
          .stride = config.frame_stride.value_or(kClipStride),
          .sound = config.sound};
}

// A file as the model is given it: a picture, the middle clip of a video, or the first frames of a
// sound, of the shape of `spec`. Throws Error naming the file.
FOVEA_API Array read_input(const MediaSource& files, int64_t i, const InputSpec& spec);

}  // namespace fovea
