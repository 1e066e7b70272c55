// What configs say of how pictures become inputs.
#pragma once

#include "fovea/model/config.h"
#include "fovea/model/config_keys.h"

namespace fovea {

// timm's keys: mean, std, interpolation, crop_pct, crop_mode, input_size. Throws Error as Keys
// does, and for what is not supported.
void read_timm_preprocessing(const ConfigKeys& keys, Config& config);

}  // namespace fovea
