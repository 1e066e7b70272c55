// Small models of videos and of sound that no golden is like, and inputs of any shape.
#pragma once

#include <cmath>
#include <string>

#include "fovea/io/array.h"
#include "fovea/model/architecture.h"

namespace fovea {

// Named as its family is, as training writes models.
inline Architecture small_media(const std::string& name) {
  Architecture a;
  a.name = name;
  a.width = 16;
  a.depth = 2;
  a.block.heads = 2;
  a.block.mlp_width = 32;
  a.classes = 3;
  a.patch = {8, 8};
  a.pooling = Pooling::average;
  return a;
}

inline Architecture overlapping_audio_mae() {
  Architecture a = small_media("audiomae");
  a.medium = Medium::sound;
  a.in_channels = 1;
  a.stride = {5, 3};
  a.image_size = {33, 20};
  a.class_token = true;
  a.fc_norm = true;
  a.position_rows = static_cast<int>(a.patches_of(a.image_size).size()) + 1;
  return a;
}

inline Architecture classless_mae_st() {
  Architecture a = small_media("mae_st");
  a.medium = Medium::video;
  a.patch = {3, 8, 8};
  a.image_size = {6, 16, 24};
  a.split_positions = true;
  a.position_rows = 2 * 6;
  a.final_norm = a.late_norm = true;
  a.first_patch_leads = true;
  return a;
}

inline Array varied(const Shape& shape) {
  Array values(shape);
  for (size_t i = 0; i < values.data.size(); ++i) {
    values.data[i] = std::sin(static_cast<float>(i) * 0.7F + static_cast<float>(i % 13));
  }
  return values;
}

}  // namespace fovea
