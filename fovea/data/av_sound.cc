// Sound through FFmpeg: m4a, that of videos, and what libsndfile doesn't know.
#include <algorithm>
#include <new>
#include <vector>

#include "fovea/data/av_stream.h"
#include "fovea/data/image.h"
#include "fovea/data/sound.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

template <class Sample>
float to_float(Sample sample, double silence, double scale) {
  return static_cast<float>((static_cast<double>(sample) - silence) / scale);
}

// Samples of one type as floats, interleaved, whether or not each channel has a plane of its own.
template <class Sample>
void interleave(const AVFrame& frame, bool is_planar, double silence, double scale,
                std::vector<float>& to) {
  const int channels = frame.ch_layout.nb_channels;
  for (int channel = 0; channel < channels; ++channel) {
    const auto* from =
        reinterpret_cast<const Sample*>(frame.extended_data[is_planar ? channel : 0]);
    const size_t first = is_planar ? 0 : channel;
    const size_t step = is_planar ? 1 : channels;
    for (int i = 0; i < frame.nb_samples; ++i) {
      to[size_t{1} * i * channels + channel] = to_float(from[first + i * step], silence, scale);
    }
  }
}

// False of a type that is not known.
bool to_interleaved(const AVFrame& frame, std::vector<float>& to) {
  constexpr double kByte = 128;
  constexpr double kShort = 32'768;
  constexpr double kInt = 2'147'483'648;
  constexpr double kLong = kInt * kInt * 2;
  to.resize(size_t{1} * frame.nb_samples * frame.ch_layout.nb_channels);
  switch (frame.format) {
    case AV_SAMPLE_FMT_U8:
    case AV_SAMPLE_FMT_U8P:
      interleave<uint8_t>(frame, frame.format == AV_SAMPLE_FMT_U8P, kByte, kByte, to);
      return true;
    case AV_SAMPLE_FMT_S16:
    case AV_SAMPLE_FMT_S16P:
      interleave<int16_t>(frame, frame.format == AV_SAMPLE_FMT_S16P, 0, kShort, to);
      return true;
    case AV_SAMPLE_FMT_S32:
    case AV_SAMPLE_FMT_S32P:
      interleave<int32_t>(frame, frame.format == AV_SAMPLE_FMT_S32P, 0, kInt, to);
      return true;
    case AV_SAMPLE_FMT_S64:
    case AV_SAMPLE_FMT_S64P:
      interleave<int64_t>(frame, frame.format == AV_SAMPLE_FMT_S64P, 0, kLong, to);
      return true;
    case AV_SAMPLE_FMT_FLT:
    case AV_SAMPLE_FMT_FLTP:
      interleave<float>(frame, frame.format == AV_SAMPLE_FMT_FLTP, 0, 1, to);
      return true;
    case AV_SAMPLE_FMT_DBL:
    case AV_SAMPLE_FMT_DBLP:
      interleave<double>(frame, frame.format == AV_SAMPLE_FMT_DBLP, 0, 1, to);
      return true;
    default:
      return false;
  }
}

class AvSound : public SoundReader {
 public:
  explicit AvSound(const SharedBytes& bytes)
      : stream_(bytes, AVMEDIA_TYPE_AUDIO, kMaxPixels), frame_(ffmpeg().av_frame_alloc()) {
    if (frame_ == nullptr) throw std::bad_alloc();
    // Of some streams only the decoder knows the rate.
    if (!decode()) fail("{}: holds no sound", name());
    rate_ = frame_->sample_rate;
    channels_ = frame_->ch_layout.nb_channels;
    check_sound_rate(rate_, name());
  }

  const std::string& name() const override { return stream_.name(); }
  int rate() const override { return rate_; }

  size_t read(std::span<float> to) override {
    const auto left = [&] { return interleaved_.size() / channels_ - begin_; };
    while (left() == 0) {
      if (!decode()) return 0;
      if (frame_->sample_rate != rate_ || frame_->ch_layout.nb_channels != channels_) {
        fail("{}: {} channels of {} Hz follow {} of {} Hz; expected sound of one kind", name(),
             frame_->ch_layout.nb_channels, frame_->sample_rate, channels_, rate_);
      }
    }
    const auto mono = to.first(std::min(to.size(), left()));
    const std::span all(interleaved_);
    mix_to_mono(all.subspan(begin_ * channels_, mono.size() * channels_), channels_, done_, name(),
                mono);
    begin_ += mono.size();
    done_ += static_cast<int64_t>(mono.size());
    return mono.size();
  }

 private:
  // The next frame's samples; false at the end.
  bool decode() {
    begin_ = 0;
    interleaved_.clear();
    const AvStep step = stream_.next_frame(*frame_);
    if (step == AvStep::broken) fail("{}: broken sound: {}", name(), stream_.message());
    if (step == AvStep::end) return false;
    if (!to_interleaved(*frame_, interleaved_)) {
      fail("{}: its sound is of a kind that is not known", name());
    }
    return true;
  }

  AvStream stream_;
  std::unique_ptr<AVFrame, FreeFrame> frame_;
  int rate_ = 0;
  int channels_ = 1;
  int64_t done_ = 0;
  std::vector<float> interleaved_;  // of a frame
  size_t begin_ = 0;                // samples of each channel that are done with
};

}  // namespace

std::unique_ptr<SoundReader> open_ffmpeg_sound(const SharedBytes& bytes) {
  check_ffmpeg(bytes->name());
  return std::make_unique<AvSound>(bytes);
}

}  // namespace fovea
