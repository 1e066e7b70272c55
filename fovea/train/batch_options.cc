#include "fovea/train/batch_options.h"

#include <algorithm>

#include "fovea/io/fail.h"

namespace fovea {

BatchOptions batch_options(const Recipe& r, const Student& student, const Processes& processes) {
  BatchOptions options;
  options.preprocessing = student.config.preprocessing;
  options.augmentation.crop = r.crop == "resized"  ? Crop::resized
                              : r.crop == "padded" ? Crop::padded
                                                   : Crop::centre;
  options.augmentation.scale = r.scale;
  options.augmentation.ratio = r.ratio;
  options.augmentation.padding = r.padding;
  options.augmentation.hflip = r.hflip;
  options.augmentation.rand_augment.operations = r.rand_augment;
  options.augmentation.rand_augment.magnitude = r.rand_augment_magnitude;
  options.augmentation.reprob = r.reprob;
  options.sound = {r.gain, r.shift, r.time_mask, r.freq_mask};
  options.mix = {r.mixup, r.cutmix, r.mixup_prob, r.mixup_switch_prob};
  options.smoothing = r.smoothing;
  // A decoder answers with four pixels along each side of a patch.
  const Architecture& a = student.architecture;
  const int masks =
      r.grouping > 0 ? std::max(r.masks_per_image, r.grouping_masks) : r.masks_per_image;
  options.segments = {masks, 4 * a.input_size.rows / a.patch.rows, r.least_area};
  if (r.batch_size % processes.size() != 0) {
    fail("batch_size is {}; expected a multiple of the processes, {}", r.batch_size,
         processes.size());
  }
  options.batch = r.batch_size;
  options.shard = processes.rank();
  options.shards = processes.size();
  options.threads = r.workers;
  options.seed = r.seed;
  return options;
}

}  // namespace fovea
