// Sound through libsndfile.
#include <algorithm>
#include <cstdio>
#include <limits>
#include <mutex>
#include <vector>

#include "fovea/data/cut_short.h"
#include "fovea/data/image.h"
#include "fovea/data/libsndfile.h"
#include "fovea/data/sound.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

// The bytes, and where in them libsndfile reads next.
struct Place {
  SharedBytes bytes;
  int64_t at = 0;

  static int64_t size(void* client) { return static_cast<Place*>(client)->bytes->size(); }
  static int64_t seek(int64_t offset, int whence, void* client) {
    auto& place = *static_cast<Place*>(client);
    const int64_t from = whence == SEEK_CUR ? place.at : whence == SEEK_END ? size(client) : 0;
    int64_t at = 0;
    if (__builtin_add_overflow(from, offset, &at) || at < 0) return -1;
    return place.at = at;
  }
  static int64_t read(void* to, int64_t count, void* client) {
    auto& place = *static_cast<Place*>(client);
    const std::span room(static_cast<std::byte*>(to),
                         static_cast<size_t>(std::max<int64_t>(count, 0)));
    const auto done = static_cast<int64_t>(place.bytes->read(place.at, room));
    place.at += done;
    return done;
  }
  static int64_t write(const void* /*from*/, int64_t /*count*/, void* /*client*/) { return 0; }
  static int64_t tell(void* client) { return static_cast<Place*>(client)->at; }
};

class SndfileReader : public SoundReader {
 public:
  SndfileReader(std::unique_ptr<Place> place, void* file, const SndfileInfo& info)
      : place_(std::move(place)), file_(file), info_(info) {
    constexpr int kMostChannels = 1024;
    if (info.channels < 1 || info.channels > kMostChannels) {
      fail("{}: {} channels; expected 1 to {}", name(), info.channels, kMostChannels);
    }
    check_sound_rate(info.rate, name());
  }

  const std::string& name() const override { return place_->bytes->name(); }
  int rate() const override { return info_.rate; }

  size_t read(std::span<float> to) override {
    interleaved_.resize(to.size() * info_.channels);
    const int64_t count =
        libsndfile().read(file_.get(), interleaved_.data(), static_cast<int64_t>(to.size()));
    const auto mono = to.first(static_cast<size_t>(std::max<int64_t>(count, 0)));
    if (mono.empty()) check_end();
    mix_to_mono(std::span(interleaved_).first(mono.size() * info_.channels), info_.channels, done_,
                name(), mono);
    done_ += static_cast<int64_t>(mono.size());
    return mono.size();
  }

 private:
  // Of a FLAC the header says how much there is; of an MP3 that may be a guess.
  void check_end() const {
    constexpr int kFlac = 0x170000;  // SF_FORMAT_FLAC
    constexpr int kKind = 0x0fff0000;
    const LibSndfile& sndfile = libsndfile();
    if (sndfile.error(file_.get()) != 0) {
      fail("{}: broken sound: {}", name(), printable(sndfile.message(file_.get())));
    }
    const bool is_known = info_.frames < std::numeric_limits<int64_t>::max();
    if ((info_.format & kKind) == kFlac && is_known && done_ < info_.frames) {
      fail("{}: ends after {} of {} samples", name(), done_, info_.frames);
    }
  }

  struct Close {
    void operator()(void* file) const { libsndfile().close(file); }
  };
  std::unique_ptr<Place> place_;
  std::unique_ptr<void, Close> file_;
  SndfileInfo info_;
  int64_t done_ = 0;
  std::vector<float> interleaved_;
};

}  // namespace

std::unique_ptr<SoundReader> open_sndfile(const SharedBytes& bytes) {
  const LibSndfile& sndfile = libsndfile();
  if (!sndfile.is_there) {
    throw MissingLibrary(bytes->name(),
                         "WAV, FLAC, Ogg and MP3 are read through libsndfile.so.1, which is not "
                         "installed (Debian package libsndfile1)");
  }
  if (const std::string how = how_cut_short(*bytes); !how.empty()) {
    fail("{}: {}", bytes->name(), how);
  }
  auto place = std::make_unique<Place>(Place{bytes});
  SndfileInput input{Place::size, Place::seek, Place::read, Place::write, Place::tell};
  SndfileInfo info;
  static std::mutex opening;  // why a file can't be opened is kept for the whole process
  const std::lock_guard lock(opening);
  void* file = sndfile.open(&input, kSndfileRead, &info, place.get());
  if (file != nullptr) return std::make_unique<SndfileReader>(std::move(place), file, info);
  const int code = sndfile.error(nullptr);
  if (code == kSndfileSystem || code == kSndfileMalformed) {
    fail("{}: broken sound: {}", bytes->name(), printable(sndfile.message(nullptr)));
  }
  return open_ffmpeg_sound(bytes);  // a coding that libsndfile doesn't know
}

}  // namespace fovea
