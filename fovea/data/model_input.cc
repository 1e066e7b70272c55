#include "fovea/data/model_input.h"

#include "fovea/data/clip.h"
#include "fovea/data/log_mel.h"
#include "fovea/data/preprocess.h"

namespace fovea {

Shape InputSpec::shape() const {
  switch (medium) {
    case Medium::video:
      return {3, frames, pictures.height, pictures.width};
    case Medium::sound:
      return {sound.frames, sound.filters};
    case Medium::picture:
      break;
  }
  return {3, pictures.height, pictures.width};
}

Array read_input(const MediaSource& files, int64_t i, const InputSpec& spec) {
  if (spec.medium == Medium::sound) return preprocess_sound(files.open_sound(i), spec.sound);
  if (spec.medium == Medium::video) {
    const std::unique_ptr<FrameSource> source = files.open_video(i);
    return preprocess_clip(*source, clip_places(source->count(), spec.frames, spec.stride),
                           spec.pictures);
  }
  Array input(spec.shape());
  preprocess(files.read(i), spec.pictures, input.data, files.name(i));
  return input;
}

}  // namespace fovea
