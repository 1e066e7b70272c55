#include "fovea/data/frames.h"

#include <algorithm>
#include <utility>

#include "fovea/data/folder.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

class PictureFrames : public FrameSource {
 public:
  PictureFrames(std::vector<std::filesystem::path> pictures, std::string name, ReadOptions options)
      : pictures_(std::move(pictures)), name_(std::move(name)), options_(std::move(options)) {
    if (pictures_.empty()) fail("{}: no pictures", name_);
  }

  const std::string& name() const override { return name_; }
  int64_t count() const override { return static_cast<int64_t>(pictures_.size()); }
  void read(std::span<const int64_t> places, const TakeFrame& take) override {
    Image shown;
    int64_t shown_place = -1;
    for (size_t i = 0; i < places.size(); ++i) {
      const int64_t place = std::min(places[i], count() - 1);
      if (place != shown_place) {
        Image next = read_image(pictures_[place], options_);
        if (i > 0 && (next.width != shown.width || next.height != shown.height)) {
          fail("{}: is {} x {} pixels; expected {} x {}, as {}", pictures_[place].string(),
               next.width, next.height, shown.width, shown.height, pictures_[shown_place].string());
        }
        shown = std::move(next);
        shown_place = place;
      }
      take(i, shown);
    }
  }

 private:
  std::vector<std::filesystem::path> pictures_;
  std::string name_;
  ReadOptions options_;
};

}  // namespace

std::unique_ptr<FrameSource> open_frames(std::vector<std::filesystem::path> pictures,
                                         const std::string& name, const ReadOptions& options) {
  return std::make_unique<PictureFrames>(std::move(pictures), name, options);
}

std::unique_ptr<FrameSource> open_video(const std::filesystem::path& path,
                                        const ReadOptions& options) {
  return open_video(open_bytes(path), options);
}

std::unique_ptr<FrameSource> open_clip(const std::filesystem::path& path,
                                       const ReadOptions& options) {
  std::error_code ignored;  // opening it says why
  if (!std::filesystem::is_directory(path, ignored)) return open_video(path, options);
  return open_frames(pictures_right_in(path), path.string(), options);
}

}  // namespace fovea
