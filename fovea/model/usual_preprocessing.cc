#include "fovea/model/usual_preprocessing.h"

#include "fovea/io/fail.h"
#include "fovea/model/families/family.h"

namespace fovea {
namespace {

constexpr int kAudioSetClasses = 527;

Preprocessing of_videos(std::string_view family) {
  Preprocessing p;  // with ImageNet's colours, as VideoMAE's own code has them
  p.interpolation = Interpolation::bilinear;
  p.crop_pct = 1;
  p.fit = Fit::short_side;
  p.assumed = false;
  if (family == kVideoMae.name) p.mean = p.std = {0.5F, 0.5F, 0.5F};
  if (family == kMaeSt.name) {
    p.mean = {0.45F, 0.45F, 0.45F};
    p.std = {0.225F, 0.225F, 0.225F};
  }
  return p;
}

}  // namespace

void set_usual_preprocessing(const Architecture& architecture, Config& config) {
  if (config.preprocessing.assumed && architecture.neck > 0) {
    config.preprocessing = sam_preprocessing();
  }
  if (config.preprocessing.assumed && architecture.medium == Medium::video) {
    config.preprocessing = of_videos(architecture.family);
  }
  if (architecture.medium != Medium::sound) return;
  const Grid size = made_for(architecture);
  SoundPreprocessing& sound = config.sound;
  if (!sound.assumed && sound.filters != size.columns) {
    fail("preprocessor_config.json: num_mel_bins is {}; expected {}, which the model was made for",
         sound.filters, size.columns);
  }
  const bool is_audio_set = architecture.classes == kAudioSetClasses;
  if (is_audio_set && config.problem_type == ProblemType::single_label) {
    config.problem_type = ProblemType::multi_label;
  }
  sound.frames = size.rows;
  sound.filters = size.columns;
}

}  // namespace fovea
