#include "fovea/data/log_mel.h"

#include <algorithm>
#include <utility>

#include "fovea/data/resampler.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

constexpr size_t kBlock = 4096;  // samples read at once

}  // namespace

LogMelReader::LogMelReader(std::unique_ptr<SoundReader> sound, const SoundPreprocessing& spec)
    : sound_(resampled(std::move(sound), spec.rate)),
      bank_(spec.filters, spec.rate),
      rate_(spec.rate) {}

bool LogMelReader::next(std::span<float> frame) {
  const auto length = static_cast<size_t>(bank_.frame_length());
  while (end_ - begin_ < length) {
    std::copy(samples_.begin() + static_cast<ptrdiff_t>(begin_),
              samples_.begin() + static_cast<ptrdiff_t>(end_), samples_.begin());
    end_ -= begin_;
    begin_ = 0;
    samples_.resize(std::max(samples_.size(), end_ + kBlock));
    const size_t count = sound_->read(std::span(samples_).subspan(end_));
    end_ += count;
    if (count > 0) continue;
    if (is_first_ && end_ == 0) fail("{}: holds no sound", name());
    if (is_first_) {
      fail("{}: {} samples of sound at {} Hz; expected at least {}, which are one frame", name(),
           end_, rate_, length);
    }
    return false;
  }
  bank_.compute(std::span(samples_).subspan(begin_, length), frame);
  begin_ += bank_.frame_step();
  is_first_ = false;
  return true;
}

SoundWindows::SoundWindows(LogMelReader frames, int length, int hop)
    : frames_(std::move(frames)), length_(length), hop_(hop) {}

std::optional<SoundWindow> SoundWindows::next() {
  const auto filters = static_cast<size_t>(frames_.filters());
  const size_t kept = values_.size() / filters;
  std::vector<float> frame(filters);
  while (!ended_ && values_.size() < length_ * filters) {
    ended_ = !frames_.next(frame);
    if (!ended_) values_.insert(values_.end(), frame.begin(), frame.end());
  }
  const size_t count = values_.size() / filters;
  if (count == kept && first_ > 0) return std::nullopt;  // all have been in a window
  SoundWindow window;
  window.frames = static_cast<int>(count);
  window.start = static_cast<double>(first_) * frames_.seconds_of_step();
  window.end = window.start + static_cast<double>(count - 1) * frames_.seconds_of_step() +
               frames_.seconds_of_frame();
  window.values = values_;
  window.values.resize(length_ * filters);
  const size_t gone = std::min(hop_, count);
  values_.erase(values_.begin(), values_.begin() + static_cast<ptrdiff_t>(gone * filters));
  for (size_t i = gone; i < hop_ && !ended_; ++i) ended_ = !frames_.next(frame);
  first_ += static_cast<int64_t>(hop_);
  return window;
}

void normalize_log_mel(const SoundPreprocessing& spec, std::span<float> values) {
  for (float& value : values) value = (value - spec.mean) / (2 * spec.std);
}

Array preprocess_sound(std::unique_ptr<SoundReader> sound, const SoundPreprocessing& spec) {
  SoundWindows windows(LogMelReader(std::move(sound), spec), spec.frames, spec.frames);
  Array input({spec.frames, spec.filters}, std::move(windows.next()->values));
  normalize_log_mel(spec, input.data);
  return input;
}

}  // namespace fovea
