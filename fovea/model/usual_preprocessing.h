// What models are given, and what they give, where no config says it.
#pragma once

#include "fovea/model/architecture.h"
#include "fovea/model/config.h"

namespace fovea {

// Of Segment Anything its own way. Of a video frames with their short side as long as the input's,
// bilinear, and the mean and deviation that its family was trained with; of sound as many frames
// and filters as the model was made for; AudioSet's 527 classes of sound don't exclude each other,
// though config.json leaves problem_type out. Throws Error where preprocessor_config.json says
// other filters. Of other models of pictures nothing changes.
void set_usual_preprocessing(const Architecture& architecture, Config& config);

}  // namespace fovea
