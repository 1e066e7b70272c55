#include "fovea/train/training_files.h"

#include "fovea/data/media_samples.h"

namespace fovea {

TrainingFiles::TrainingFiles(const Recipe& r, Medium medium)
    : has_classes_(!is_mae(r) && !is_segment(r)) {
  if (is_segment(r)) {
    segmented_ = open_segmented(r.data, r.train_split);
    return;
  }
  const DatasetOptions options = {.medium = medium};
  labelled_ = is_mae(r) ? open_unlabelled(r.data, r.train_split, options)
                        : open_dataset(r.data, r.train_split, options);
}

std::vector<std::string> TrainingFiles::classes() const {
  return has_classes_ ? labelled_->classes() : std::vector<std::string>{};
}

const LeftOut& TrainingFiles::left_out() const {
  return segmented_ ? segmented_->left_out() : labelled_->left_out();
}

void TrainingFiles::measure_for(const Recipe& recipe, Student& student) const {
  const bool is_new = start_of(recipe).empty();
  if (!is_new || student.architecture.medium != Medium::sound || recipe.sound_std > 0) return;
  measure_sounds(*labelled_, student.config.sound);
}

TrainingBatches TrainingFiles::batches(const Student& student, const BatchOptions& options) const {
  if (segmented_) return {*segmented_, options};
  const InputSpec spec = input_spec(student.architecture, student.config);
  switch (spec.medium) {
    case Medium::video:
      return {clip_samples(*labelled_, spec, options.augmentation), options};
    case Medium::sound:
      return {sound_samples(*labelled_, spec.sound, options.sound), options};
    case Medium::picture:
      break;
  }
  return {*labelled_, options};
}

}  // namespace fovea
