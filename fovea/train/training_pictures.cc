#include "fovea/train/training_pictures.h"

namespace fovea {

TrainingPictures::TrainingPictures(const Recipe& r) : has_classes_(!is_mae(r) && !is_segment(r)) {
  if (is_segment(r)) {
    segmented_ = open_segmented(r.data, r.train_split);
  } else {
    labelled_ =
        is_mae(r) ? open_unlabelled(r.data, r.train_split) : open_dataset(r.data, r.train_split);
  }
}

std::vector<std::string> TrainingPictures::classes() const {
  return has_classes_ ? labelled_->classes() : std::vector<std::string>{};
}

const LeftOut& TrainingPictures::left_out() const {
  return segmented_ ? segmented_->left_out() : labelled_->left_out();
}

TrainingBatches TrainingPictures::batches(const BatchOptions& options) const {
  if (segmented_) return {*segmented_, options};
  return {*labelled_, options};
}

}  // namespace fovea
