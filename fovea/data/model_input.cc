#include "fovea/data/model_input.h"

#include "fovea/data/clip.h"
#include "fovea/data/folder.h"
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

std::unique_ptr<FrameSource> open_clip(const std::filesystem::path& path,
                                       const ReadOptions& options) {
  std::error_code ignored;  // opening it says why
  if (!std::filesystem::is_directory(path, ignored)) return open_video(path, options);
  return open_frames(pictures_right_in(path), path.string(), options);
}

Array read_input(const std::filesystem::path& path, const InputSpec& spec,
                 const ReadOptions& options) {
  if (spec.medium == Medium::sound) return preprocess_sound(open_sound(path), spec.sound);
  if (spec.medium == Medium::video) {
    const std::unique_ptr<FrameSource> source = open_clip(path, options);
    return preprocess_clip(*source, clip_places(source->count(), spec.frames, spec.stride),
                           spec.pictures);
  }
  Array input(spec.shape());
  preprocess(read_image(path, options), spec.pictures, input.data, path.string());
  return input;
}

}  // namespace fovea
