#include "fovea/data/model_input.h"

#include <utility>

#include "fovea/data/clip.h"
#include "fovea/data/log_mel.h"
#include "fovea/data/preprocess.h"

namespace fovea {

namespace {

void read_clips(FrameSource& source, const InputSpec& spec, const TakeInput& take) {
  const std::vector<CropPlace> crops =
      spec.crops == 3 ? std::vector{CropPlace::first, CropPlace::centre, CropPlace::last}
                      : std::vector{CropPlace::centre};
  for (int clip = 0; clip < spec.clips; ++clip) {
    const std::vector<int64_t> places =
        clip_places(source.count(), spec.frames, spec.stride, clip, spec.clips);
    for (Array& crop : preprocess_crops(source, places, spec.pictures, crops)) {
      if (!take({std::move(crop.data)})) return;
    }
  }
}

void read_windows(std::unique_ptr<SoundReader> sound, const InputSpec& spec,
                  const TakeInput& take) {
  const int hop = spec.hop > 0 ? spec.hop : spec.sound.frames;
  SoundWindows windows(LogMelReader(std::move(sound), spec.sound), spec.sound.frames, hop);
  while (std::optional<SoundWindow> window = windows.next()) {
    normalize_log_mel(spec.sound, window->values);
    const bool goes_on = take({std::move(window->values), window->start, window->end});
    if (!goes_on || spec.hop == 0) return;
  }
}

}  // namespace

void read_inputs(const MediaSource& files, int64_t i, const InputSpec& spec,
                 const TakeInput& take) {
  switch (spec.medium) {
    case Medium::video:
      return read_clips(*files.open_video(i), spec, take);
    case Medium::sound:
      return read_windows(files.open_sound(i), spec, take);
    case Medium::picture:
      break;
  }
  std::vector<float> values(size_t{3} * spec.pictures.height * spec.pictures.width);
  preprocess(files.read(i), spec.pictures, values, files.name(i));
  take({std::move(values)});
}

Array read_input(const MediaSource& files, int64_t i, const InputSpec& spec) {
  Array input;
  read_inputs(files, i, spec, [&](FileInput first) {
    input = Array(spec.shape(), std::move(first.values));
    return false;
  });
  return input;
}

}  // namespace fovea
