// Files as inputs of a model of whatever medium.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

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
  int clips = 1;                // of each video, spread evenly
  int crops = 1;                // of each clip, along the longer side: 1, the centre, or 3
  SoundPreprocessing sound = {};
  int hop = 0;  // frames from one window of a sound to the next; 0: the first one alone

  // Of one input: {height, width}, {frames, height, width}, or {frames, filters} of sound.
  Grid size() const {
    if (medium == Medium::sound) return {sound.frames, sound.filters};
    return {medium == Medium::video ? frames : 1, pictures.height, pictures.width};
  }
  // The same with its channels: [3, height, width], [3, frames, height, width] or [frames,
  // filters].
  Shape shape() const {
    if (medium == Medium::sound) return {sound.frames, sound.filters};
    if (medium == Medium::video) return {3, frames, pictures.height, pictures.width};
    return {3, pictures.height, pictures.width};
  }
};

// What a model wants where nothing else is asked for; `config` has the input's size.
inline InputSpec input_spec(const Architecture& architecture, const Config& config) {
  return {.medium = architecture.medium,
          .pictures = config.preprocessing,
          .frames = made_for(architecture).frames,
          .stride = config.frame_stride.value_or(kClipStride),
          .sound = config.sound};
}

// One of a file's inputs.
struct FileInput {
  std::vector<float> values;  // of the spec's shape
  double start = 0;           // of a window of sound: seconds
  double end = 0;
};

// Called with a file's inputs in order; false: no more are wanted.
using TakeInput = std::function<bool(FileInput input)>;

// All that the spec says of a file, at least one: a picture; the clips of a video, of each its
// crops; or the windows of a sound. Throws Error naming the file.
void read_inputs(const MediaSource& files, int64_t i, const InputSpec& spec, const TakeInput& take);

// A file as the model is given it: the first of those inputs; of a video whose clips are not
// counted the one in the middle. Throws Error naming the file.
FOVEA_API Array read_input(const MediaSource& files, int64_t i, const InputSpec& spec);

}  // namespace fovea
