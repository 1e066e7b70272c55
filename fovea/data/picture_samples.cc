// Pictures, and pictures with masks, as samples for training.
#include "fovea/data/samples.h"

namespace fovea {
namespace {

class PictureSamples : public Samples {
 public:
  PictureSamples(const PictureSource& pictures, const PictureSampling& options)
      : pictures_(pictures),
        options_(options),
        kept_(pictures.size(), options.keep_decoded ? Kept<Image>::kMost : 0) {}

  int64_t size() const override { return pictures_.size(); }
  const char* what() const override { return "pictures"; }
  Shape shape() const override {
    return {3, options_.preprocessing.height, options_.preprocessing.width};
  }

 protected:
  const PictureSampling& options() const { return options_; }
  std::string name(int64_t i) const { return pictures_.name(i); }
  const Image& decoded(int64_t i, Image& fresh) {
    if (kept_.has(i)) return kept_.at(i);
    fresh = pictures_.read(i);
    return kept_.keep(i, fresh, static_cast<int64_t>(fresh.rgb.size()));
  }

 private:
  const PictureSource& pictures_;
  PictureSampling options_;
  Kept<Image> kept_;
};

class LabelledSamples : public PictureSamples {
 public:
  LabelledSamples(const Dataset& data, const PictureSampling& options)
      : PictureSamples(data, options), data_(data) {}

  int classes() const override { return static_cast<int>(data_.classes().size()); }
  int label(int64_t i) const override { return data_.label(i); }
  void make(int64_t i, Random& random, std::span<float> out,
            std::vector<SquareMask>& /*masks*/) override {
    Image fresh;
    augment(decoded(i, fresh), options().preprocessing, options().augmentation, random, out,
            name(i));
  }

 private:
  const Dataset& data_;
};

class MaskedSamples : public PictureSamples {
 public:
  MaskedSamples(const SegmentedPictures& data, const PictureSampling& options)
      : PictureSamples(data, options), data_(data) {}

  void make(int64_t i, Random& random, std::span<float> out,
            std::vector<SquareMask>& masks) override {
    Image fresh;
    const Image& image = decoded(i, fresh);
    const std::vector<TrueMask> truths = data_.masks(i);
    check_masks(image, truths, name(i));
    masks = segment_sample(image, truths, options().preprocessing, options().augmentation,
                           options().segments, random, out, name(i));
  }

 private:
  const SegmentedPictures& data_;
};

}  // namespace

std::unique_ptr<Samples> picture_samples(const Dataset& data, const PictureSampling& options) {
  return std::make_unique<LabelledSamples>(data, options);
}

std::unique_ptr<Samples> picture_samples(const SegmentedPictures& data,
                                         const PictureSampling& options) {
  return std::make_unique<MaskedSamples>(data, options);
}

}  // namespace fovea
