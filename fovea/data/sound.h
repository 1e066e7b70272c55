// Sound: WAV, FLAC, Ogg and MP3 through libsndfile; m4a, the sound of videos and all else through
// FFmpeg. Both are looked for when a file needs them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "fovea/api.h"
#include "fovea/io/byte_source.h"

namespace fovea {

// A file's sound from its beginning on: one channel, the mean of all that the file has.
class FOVEA_API SoundReader {
 public:
  virtual ~SoundReader() = default;
  virtual const std::string& name() const = 0;
  // Samples a second.
  virtual int rate() const = 0;
  // The next samples, from -1 to 1 and beyond where the file has such, and how many they are: 0 at
  // the end. Throws Error naming the file where it is broken, ends too early, or has a sample that
  // is no number.
  virtual size_t read(std::span<float> to) = 0;
};

// Throws Error naming the file and what is wrong: it is no sound, has none; and MissingLibrary.
FOVEA_API std::unique_ptr<SoundReader> open_sound(const std::filesystem::path& path);

// The same of what is not a file.
std::unique_ptr<SoundReader> open_sound(const SharedBytes& bytes);

// As open_sound, through one library.
std::unique_ptr<SoundReader> open_sndfile(const SharedBytes& bytes);
std::unique_ptr<SoundReader> open_ffmpeg_sound(const SharedBytes& bytes);

// What both share: throws Error naming the file.
void check_sound_rate(int rate, const std::string& name);
// The means over `channels` of interleaved samples, of which the first is the file's `first`.
void mix_to_mono(std::span<const float> samples, int channels, int64_t first,
                 const std::string& name, std::span<float> to);

}  // namespace fovea
