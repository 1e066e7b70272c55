// Sound through libsndfile.
#include <algorithm>
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

// As libsndfile calls it.
ByteCursor& cursor_of(void* client) { return *static_cast<ByteCursor*>(client); }
int64_t size_of(void* client) { return cursor_of(client).bytes().size(); }
int64_t seek_in(int64_t offset, int whence, void* client) {
  return cursor_of(client).seek(offset, whence);
}
int64_t read_from(void* to, int64_t count, void* client) {
  const auto room = static_cast<size_t>(std::max<int64_t>(count, 0));
  return static_cast<int64_t>(cursor_of(client).read({static_cast<std::byte*>(to), room}));
}
int64_t write_nothing(const void* /*from*/, int64_t /*count*/, void* /*client*/) { return 0; }
int64_t tell_in(void* client) { return cursor_of(client).at(); }

class SndfileReader : public SoundReader {
 public:
  SndfileReader(std::unique_ptr<ByteCursor> cursor, void* file, const SndfileInfo& info)
      : cursor_(std::move(cursor)), file_(file), info_(info) {
    constexpr int kMostChannels = 1024;
    if (info.channels < 1 || info.channels > kMostChannels) {
      fail("{}: {} channels; expected 1 to {}", name(), info.channels, kMostChannels);
    }
    check_sound_rate(info.rate, name());
  }

  const std::string& name() const override { return cursor_->bytes().name(); }
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
  std::unique_ptr<ByteCursor> cursor_;
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
  auto cursor = std::make_unique<ByteCursor>(bytes);
  SndfileInput input{size_of, seek_in, read_from, write_nothing, tell_in};
  SndfileInfo info;
  static std::mutex opening;  // why a file can't be opened is kept for the whole process
  const std::lock_guard lock(opening);
  void* file = sndfile.open(&input, kSndfileRead, &info, cursor.get());
  if (file != nullptr) return std::make_unique<SndfileReader>(std::move(cursor), file, info);
  const int code = sndfile.error(nullptr);
  if (code == kSndfileSystem || code == kSndfileMalformed) {
    fail("{}: broken sound: {}", bytes->name(), printable(sndfile.message(nullptr)));
  }
  return open_ffmpeg_sound(bytes);  // a coding that libsndfile doesn't know
}

}  // namespace fovea
