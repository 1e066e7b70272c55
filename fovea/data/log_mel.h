// Sound as audio models are given it: log mel filter banks in windows of the model's length.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "fovea/data/filter_bank.h"
#include "fovea/data/sound.h"
#include "fovea/io/array.h"
#include "fovea/model/config.h"

namespace fovea {

// A sound's frames from its beginning on, before normalising. Memory does not grow with the sound.
class LogMelReader {
 public:
  // Throws Error as the filter bank and resampling do.
  LogMelReader(std::unique_ptr<SoundReader> sound, const SoundPreprocessing& spec);

  const std::string& name() const { return sound_->name(); }
  int filters() const { return bank_.filters(); }
  double seconds_of_frame() const { return 1.0 * bank_.frame_length() / rate_; }
  double seconds_of_step() const { return 1.0 * bank_.frame_step() / rate_; }
  // The next frame: filters() values; nothing at the end, where a rest too short for a frame is
  // left out. Throws Error as SoundReader::read does, and where a sound ends before its first
  // frame.
  bool next(std::span<float> frame);

 private:
  std::unique_ptr<SoundReader> sound_;
  FilterBank bank_;
  int rate_;
  std::vector<float> samples_;  // of which [begin_, end_) are not done with
  size_t begin_ = 0;
  size_t end_ = 0;
  bool is_first_ = true;
};

// Part of a sound.
struct SoundWindow {
  double start = 0;  // seconds
  double end = 0;    // of its last whole frame
  int frames = 0;    // of the sound
  // [frames, filters] of the spec, log mel before normalising; zeros behind the sound's end.
  std::vector<float> values;
};

// Windows of a sound's frames, `hop` frames from one's beginning to the next one's, until all
// frames have been in one.
class SoundWindows {
 public:
  // hop: at least 1.
  SoundWindows(LogMelReader frames, int length, int hop);
  // Nothing behind the last one. Throws Error as LogMelReader does.
  std::optional<SoundWindow> next();

 private:
  LogMelReader frames_;
  size_t length_, hop_;
  std::vector<float> values_;  // of the frames from first_ on
  int64_t first_ = 0;
  bool ended_ = false;
};

// (x - mean) / (2 std).
void normalize_log_mel(const SoundPreprocessing& spec, std::span<float> values);

// The first window of a sound, normalised: [spec.frames, spec.filters]. Throws Error as
// LogMelReader does.
Array preprocess_sound(std::unique_ptr<SoundReader> sound, const SoundPreprocessing& spec);

}  // namespace fovea
