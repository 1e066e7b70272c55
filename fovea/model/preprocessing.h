// What configs say of how pictures become inputs.
#pragma once

#include "fovea/model/config.h"
#include "fovea/model/config_keys.h"

namespace fovea {

// timm's keys: mean, std, interpolation, crop_pct, crop_mode, input_size; and frame_stride. Throws
// Error as Keys does, and for what is not supported.
void read_timm_preprocessing(const ConfigKeys& keys, Config& config);

// Whether a preprocessor_config.json is ASTFeatureExtractor's, and what it says: sampling_rate,
// num_mel_bins, max_length, mean, std, do_normalize. Throws Error as Keys does.
bool is_of_sound(const ConfigKeys& keys, const Config& config);
void read_sound_preprocessing(const ConfigKeys& keys, Config& config);

}  // namespace fovea
