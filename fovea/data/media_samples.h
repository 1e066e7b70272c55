// Videos and sounds as samples for training.
#pragma once

#include <cstdint>
#include <memory>

#include "fovea/data/augment.h"
#include "fovea/data/dataset.h"
#include "fovea/data/model_input.h"
#include "fovea/data/samples.h"
#include "fovea/data/spec_augment.h"

namespace fovea {

// Clips that begin anywhere in their video, the frames of each changed alike. Videos of up to 8
// clips' length stay in memory up to 1 GiB, in the size that evaluation takes; of others a clip's
// frames are read each time. `data` must outlive them.
std::unique_ptr<Samples> clip_samples(const Dataset& data, const InputSpec& spec,
                                      const Augmentation& augmentation);

// Windows anywhere in their sound, of which the first kMostWindows windows' length counts. Filter
// banks stay in memory up to 1 GiB.
inline constexpr int kMostWindows = 16;
std::unique_ptr<Samples> sound_samples(const Dataset& data, const SoundPreprocessing& spec,
                                       const SoundAugmentation& augmentation);

// The mean and the deviation of all that a model sees of a data set's sounds before normalising,
// the zeros that pad them too: silence behind short sounds is most of it, and should not stand
// far from 0. Of 2,000 sounds where it has more, evenly spread. Throws Error with the name of a
// sound that can't be read.
void measure_sounds(const Dataset& data, SoundPreprocessing& spec);

}  // namespace fovea
