// Video files through FFmpeg.
#include <algorithm>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "fovea/data/av_picture.h"
#include "fovea/data/av_stream.h"
#include "fovea/data/frames.h"
#include "fovea/io/fail.h"
#include "fovea/io/file_kind.h"

namespace fovea {
namespace {

using Frame = std::unique_ptr<AVFrame, FreeFrame>;

Frame new_frame() {
  Frame frame(ffmpeg().av_frame_alloc());
  if (frame == nullptr) throw std::bad_alloc();
  return frame;
}

// When a stream's frames are shown, in its units of time.
struct Timing {
  int64_t count = 0;     // as the container tells it, where the file is broken
  int64_t readable = 0;  // frames that there are
  int64_t first = std::numeric_limits<int64_t>::max();
  int64_t last = std::numeric_limits<int64_t>::min();
  bool is_known = true;   // each frame's time is
  std::string broken_by;  // what keeps one from reading more

  // The mean time from frame to frame; 0 where they can only be counted.
  double step() const {
    if (!is_known || count < 2 || last <= first) return 0;
    return (static_cast<double>(last) - static_cast<double>(first)) /
           static_cast<double>(count - 1);
  }
};

// What the container says of the frames that can't be read, where it does.
void add_broken(const AVStream& stream, Timing& timing) {
  if (stream.nb_frames <= timing.count || stream.duration <= 0 || !timing.is_known) return;
  timing.count = stream.nb_frames;
  timing.last = timing.first + stream.duration / timing.count * (timing.count - 1);
}

Timing timing_of(AvStream& stream) {
  Timing timing;
  AvStep step = AvStep::done;
  while ((step = stream.next_packet()) == AvStep::done) {
    const AVPacket& packet = stream.packet();
    if ((packet.flags & AV_PKT_FLAG_DISCARD) != 0) continue;  // cut away by the container
    ++timing.count;
    timing.is_known = timing.is_known && packet.pts != AV_NOPTS_VALUE;
    timing.first = std::min(timing.first, packet.pts);
    timing.last = std::max(timing.last, packet.pts);
  }
  timing.readable = timing.count;
  if (step == AvStep::broken) {
    timing.broken_by = stream.message();
    if (timing.count > 0) add_broken(stream.stream(), timing);
  }
  return timing;
}

// A key frame may be shown after some that follow it in the file.
constexpr int64_t kMostReordered = 16;

class Video : public FrameSource {
 public:
  Video(const SharedBytes& bytes, const ReadOptions& options)
      : bytes_(bytes), max_pixels_(options.max_pixels), frame_(new_frame()), shown_(new_frame()) {
    open();
    timing_ = timing_of(*stream_);
    if (timing_.count > 0) return;
    if (!timing_.broken_by.empty()) fail("{}: broken video: {}", name(), timing_.broken_by);
    fail("{}: holds no frames", name());
  }

  const std::string& name() const override { return bytes_->name(); }
  int64_t count() const override { return timing_.count; }
  double seconds_of_step() const override {
    const AVRational& unit = stream_->stream().time_base;
    return timing_.step() * unit.num / unit.den;
  }

  void read(std::span<const int64_t> places, const TakeFrame& take) override {
    if (places.empty()) return;
    if (!timing_.broken_by.empty() && places.back() >= count()) {
      fail("{}: broken video: {}; {} frames can be read, expected {} for the clip", name(),
           timing_.broken_by, timing_.readable, places.back() + 1);
    }
    places_ = places;
    taken_ = 0;
    width_ = height_ = 0;
    if (go_before(places.front()) && show(take)) return;
    // A frame to begin with may have been wrong: now from the first one on.
    open();
    if (show(take)) return;
    if (!timing_.broken_by.empty()) {
      fail("{}: broken video: {}; {} of {} frames can be read", name(), timing_.broken_by,
           timing_.readable, count());
    }
    const std::string& why = stream_->message();
    fail("{}: broken video: {}", name(), why.empty() ? "no frame can be decoded" : why);
  }

 private:
  void open() {
    stream_ = std::make_unique<AvStream>(bytes_, AVMEDIA_TYPE_VIDEO, max_pixels_);
    const auto* matrix = reinterpret_cast<const int32_t*>(stream_matrix());
    orientation_ = matrix == nullptr ? 1 : orientation_of(matrix);
    is_at_start_ = true;
    has_shown_ = false;
  }

  const uint8_t* stream_matrix() const {
#if LIBAVFORMAT_VERSION_MAJOR >= 61
    const AVCodecParameters& parameters = *stream_->stream().codecpar;
    const AVPacketSideData* data = ffmpeg().av_packet_side_data_get(
        parameters.coded_side_data, parameters.nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return data == nullptr ? nullptr : data->data;
#else
    return ffmpeg().av_stream_get_side_data(&stream_->stream(), AV_PKT_DATA_DISPLAYMATRIX, nullptr);
#endif
  }

  // Goes to a key frame before a place. False where that can't be relied on.
  bool go_before(int64_t place) {
    is_at_start_ = has_shown_ = false;
    const bool has_index =
        stream_->container().starts_with("mov,") || stream_->container().starts_with("matroska,");
    if (!has_index || timing_.step() == 0) return false;
    const auto from = static_cast<double>(std::max<int64_t>(0, place - kMostReordered));
    return stream_->seek(timing_.first + static_cast<int64_t>(from * timing_.step()));
  }

  // Counts frames as they come in the mean time.
  double position_of(const AVFrame& frame) const {
    const int64_t time = frame.best_effort_timestamp;
    if (timing_.step() == 0 || time == AV_NOPTS_VALUE) return has_shown_ ? position_ + 1 : 0;
    return (static_cast<double>(time) - static_cast<double>(timing_.first)) *
           static_cast<double>(count() - 1) /
           (static_cast<double>(timing_.last) - static_cast<double>(timing_.first));
  }

  double end_of(size_t index) const {
    return static_cast<double>(std::min(places_[index], count() - 1)) + 0.5;
  }

  // Whether a place is so near to where a file breaks that it needs the very frame: one that
  // should have come between this one and the next may be lost.
  bool must_be_there(AvStep step) const {
    return step == AvStep::broken ||
           (!timing_.broken_by.empty() && places_[taken_] >= timing_.readable - kMostReordered);
  }

  // Decodes up to the last place that is still to be taken. False where the stream is broken, or
  // began behind a place.
  bool show(const TakeFrame& take) {
    while (taken_ < places_.size()) {
      const AvStep step = stream_->next_frame(*frame_);
      const double position =
          step == AvStep::done ? position_of(*frame_) : std::numeric_limits<double>::infinity();
      if (!has_shown_ && position > end_of(taken_)) {
        if (!is_at_start_ || step != AvStep::done) return false;
      }
      while (has_shown_ && taken_ < places_.size() && position > end_of(taken_)) {
        if (position_ <= end_of(taken_) - 1 && must_be_there(step)) return false;
        take_shown(take);
      }
      if (step != AvStep::done) return taken_ == places_.size();
      ffmpeg().av_frame_unref(shown_.get());
      ffmpeg().av_frame_move_ref(shown_.get(), frame_.get());
      has_shown_ = true;
      picture_.reset();
      position_ = position;
    }
    return true;
  }

  void take_shown(const TakeFrame& take) {
    if (!picture_) {
      const AVFrameSideData* turned =
          ffmpeg().av_frame_get_side_data(shown_.get(), AV_FRAME_DATA_DISPLAYMATRIX);
      const int orientation = turned == nullptr
                                  ? orientation_
                                  : orientation_of(reinterpret_cast<const int32_t*>(turned->data));
      picture_ = converter_.convert(*shown_, orientation, name(), max_pixels_);
    }
    if (taken_ > 0 && (picture_->width != width_ || picture_->height != height_)) {
      fail("{}: a frame of {} x {} pixels behind one of {} x {}; expected frames of one size",
           name(), picture_->width, picture_->height, width_, height_);
    }
    width_ = picture_->width;
    height_ = picture_->height;
    take(taken_++, *picture_);
  }

  SharedBytes bytes_;
  int64_t max_pixels_;
  std::unique_ptr<AvStream> stream_;
  int orientation_ = 1;  // of the stream
  bool is_at_start_ = true;
  Timing timing_;
  RgbConverter converter_;
  Frame frame_;  // the one that comes
  // The one before it, which is shown until then.
  Frame shown_;
  bool has_shown_ = false;
  double position_ = 0;
  std::optional<Image> picture_;  // it, where it has been taken
  // What is asked for.
  std::span<const int64_t> places_;
  size_t taken_ = 0;
  int width_ = 0, height_ = 0;
};

}  // namespace

std::unique_ptr<FrameSource> open_video(const SharedBytes& bytes, const ReadOptions& options) {
  const std::string kind = kind_of_file(*bytes);
  if (kind.find("picture") != std::string::npos && kind != "a GIF picture") {
    fail("{}: is {}; expected a video", bytes->name(), kind);
  }
  check_ffmpeg(bytes->name());
  return std::make_unique<Video>(bytes, options);
}

}  // namespace fovea
