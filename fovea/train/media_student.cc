#include "fovea/train/media_student.h"

#include <torch/torch.h>

#include "fovea/io/fail.h"
#include "fovea/model/families/family.h"
#include "fovea/train/grid_positions.h"

namespace fovea {
namespace {

constexpr int kUsualSide = 224;

void set_video(const Recipe& r, Architecture& a) {
  const int side = r.img_size > 0 ? r.img_size : kUsualSide;
  a.family = kVideoMaeOriginal.name;
  a.name = kVideoMaeOriginal.architecture;
  a.medium = Medium::video;
  a.patch = {r.tubelet_size, r.patch_size, r.patch_size};
  a.image_size = {frames_of(r), side, side};
  a.position_rows = 0;
  a.sinusoids = true;
  // As VideoMAE's own files of pre-training.
  if (a.classes == 0) a.pooling = Pooling::token;
  a.first_patch_leads = a.classes == 0;
}

void set_sound(const Recipe& r, Architecture& a) {
  const bool is_ast = r.global_pool == "token";
  const Family& family = is_ast ? kAst : kAudioMae;
  a.family = family.name;
  a.name = family.architecture;
  a.medium = Medium::sound;
  a.in_channels = 1;
  a.image_size = {frames_of(r), r.mel_bins};
  if (r.stride > 0 && r.stride != r.patch_size) a.stride = {r.stride, r.stride};
  if (is_ast) {
    a.frequency_first = a.distillation_token = true;
    a.pooling = Pooling::prefix;
    a.head_norm = a.classes > 0;
  }
  a.position_rows = static_cast<int>(a.patches_of(a.image_size).size()) + a.prefix();
}

}  // namespace

void set_medium(const Recipe& r, Architecture& a) {
  if (r.medium == "picture") return;
  if (r.medium == "video") {
    set_video(r, a);
  } else {
    set_sound(r, a);
  }
  a.input_size = a.image_size;
}

void set_medium(const Recipe& r, Config& config) {
  if (r.medium == "sound") {
    config.sound = {.frames = frames_of(r),
                    .filters = r.mel_bins,
                    .rate = r.sample_rate,
                    .mean = static_cast<float>(r.sound_mean),
                    .std = static_cast<float>(r.sound_std),
                    .assumed = false};
  }
}

Array MediaStart::values(const std::string& name, const Shape& shape, Start start) {
  const Architecture& a = architecture_;
  if (a.medium != Medium::sound || name != "pos_embed") return others_.read(name, shape, start);
  const torch::Tensor places = grid_positions(a.patches_of(a.image_size), a.width);
  Array table(shape);
  torch::from_blob(table.data.data(), {a.position_rows, a.width})
      .slice(0, a.prefix())
      .slice(1, 0, places.size(1))
      .copy_(places);
  return table;
}

void set_classifier(Architecture& a) {
  if (a.sinusoids && a.pooling == Pooling::token) {
    a.pooling = Pooling::average;
    a.final_norm = a.first_patch_leads = false;
    a.fc_norm = true;
  }
  a.head_norm = a.pooling == Pooling::prefix;
}

void resize_medium(int img_size, Architecture& a) {
  if (a.medium == Medium::picture || img_size == 0) return;
  if (!a.sinusoids) {
    fail("img_size is {}; expected 0: the model's positions are stored for {} alone", img_size,
         size_text(a, a.image_size));
  }
  a.image_size = {a.image_size.frames, img_size, img_size};
}

}  // namespace fovea
