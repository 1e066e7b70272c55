#include "fovea/data/randaugment.h"

#include <algorithm>

namespace fovea {

Image rand_augment(Image image, const RandAugment& options, Random& random) {
  for (int i = 0; i < options.operations; ++i) {
    const auto change = static_cast<Change>(random.below(kChanges));
    if (!random.chance(options.prob)) continue;
    const double level =
        std::clamp(options.magnitude + options.deviation * random.normal(), 0.0, 10.0);
    image = changed(image, change, level, random.chance(0.5), options.fill);
  }
  return image;
}

}  // namespace fovea
