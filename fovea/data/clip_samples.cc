#include <algorithm>
#include <memory>
#include <utility>

#include "fovea/data/clip.h"
#include "fovea/data/media_samples.h"
#include "fovea/data/resize.h"

namespace fovea {
namespace {

constexpr int64_t kMostKeptClips = 8;  // that a video which is kept is as long as

int64_t bytes_of(const std::vector<Image>& frames) {
  int64_t bytes = 0;
  for (const Image& frame : frames) bytes += static_cast<int64_t>(frame.rgb.size());
  return bytes;
}

// With the short side that evaluation brings it to, where it is larger.
Image shrunk(const Image& frame, const Preprocessing& spec) {
  const int short_side = std::min(frame.width, frame.height);
  const int side = resized_side(std::max(spec.height, spec.width), spec.crop_pct);
  if (short_side <= side) return frame;
  const auto scaled = [&](int extent) {
    return std::max(side, static_cast<int>(int64_t{extent} * side / short_side));
  };
  const int width = scaled(frame.width);
  const int height = scaled(frame.height);
  return resize(frame, width, height, spec.interpolation, {0, 0, width, height});
}

class ClipSamples : public Samples {
 public:
  ClipSamples(const Dataset& data, const InputSpec& spec, const Augmentation& augmentation)
      : data_(data), spec_(spec), augmentation_(augmentation), kept_(data.size()) {}

  int64_t size() const override { return data_.size(); }
  const char* what() const override { return "videos"; }
  Shape shape() const override { return spec_.shape(); }
  int classes() const override { return static_cast<int>(data_.classes().size()); }
  int label(int64_t i) const override { return data_.label(i); }
  void make(int64_t i, Random& random, std::span<float> out,
            std::vector<SquareMask>& /*masks*/) override {
    std::vector<Image> fresh;
    const double where = random.uniform();
    if (kept_.has(i)) return augment_clip(kept_.at(i), where, random, out, data_.name(i));
    const std::unique_ptr<FrameSource> video = data_.open_video(i);
    const int64_t count = video->count();
    const bool is_kept = kept_.has_room() && count <= kMostKeptClips * span();
    if (is_kept) {
      fresh = read(*video, clip_places(count, static_cast<int>(count), 1));
      return augment_clip(kept_.keep(i, fresh, bytes_of(fresh)), where, random, out, data_.name(i));
    }
    fresh = read(*video, places(count, where));
    augment_frames(fresh, random, out, data_.name(i));
  }

 private:
  // Frames from a clip's first to its last.
  int64_t span() const { return int64_t{spec_.frames - 1} * spec_.stride + 1; }

  // Of a clip that begins anywhere in `count` frames: `where` is from 0 to 1.
  std::vector<int64_t> places(int64_t count, double where) const {
    const int64_t spare = std::max<int64_t>(0, count - span());
    const auto first = static_cast<int64_t>(where * static_cast<double>(spare + 1));
    std::vector<int64_t> all = clip_places(0, spec_.frames, spec_.stride);
    for (int64_t& place : all) place += first;
    return all;
  }

  std::vector<Image> read(FrameSource& video, const std::vector<int64_t>& at) const {
    std::vector<Image> frames(at.size());
    video.read(at, [&](size_t index, const Image& frame) {
      frames[index] = shrunk(frame, spec_.pictures);
    });
    return frames;
  }

  // Of all frames of a video.
  void augment_clip(const std::vector<Image>& all, double where, Random& random,
                    std::span<float> out, const std::string& name) const {
    const auto last = static_cast<int64_t>(all.size()) - 1;
    std::vector<const Image*> frames;
    for (const int64_t place : places(last + 1, where)) {
      frames.push_back(&all[std::min(place, last)]);
    }
    augment_frames(frames, random, out, name);
  }

  void augment_frames(const std::vector<Image>& all, Random& random, std::span<float> out,
                      const std::string& name) const {
    std::vector<const Image*> frames;
    for (const Image& frame : all) frames.push_back(&frame);
    augment_frames(frames, random, out, name);
  }

  // Each frame is changed by the same draws.
  void augment_frames(const std::vector<const Image*>& frames, const Random& random,
                      std::span<float> out, const std::string& name) const {
    const auto count = static_cast<int64_t>(frames.size());
    std::vector<float> picture(size_t{3} * spec_.pictures.height * spec_.pictures.width);
    for (int64_t t = 0; t < count; ++t) {
      Random same = random;
      augment(*frames[t], spec_.pictures, augmentation_, same, picture, name);
      put_frame(picture, t, count, out);
    }
  }

  const Dataset& data_;
  InputSpec spec_;
  Augmentation augmentation_;
  Kept<std::vector<Image>> kept_;
};

}  // namespace

std::unique_ptr<Samples> clip_samples(const Dataset& data, const InputSpec& spec,
                                      const Augmentation& augmentation) {
  return std::make_unique<ClipSamples>(data, spec, augmentation);
}

}  // namespace fovea
