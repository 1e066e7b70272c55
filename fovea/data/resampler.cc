#include "fovea/data/resampler.h"

#include <utility>
#include <vector>

#include "fovea/data/image.h"
#include "fovea/data/libsoxr.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

constexpr size_t kBlock = 4096;  // samples taken at once

class ResampledSound : public SoundReader {
 public:
  ResampledSound(std::unique_ptr<SoundReader> sound, int rate)
      : sound_(std::move(sound)), rate_(rate), block_(kBlock) {
    const SoxrQuality quality = libsoxr().quality(kSoxrVeryHigh, 0);
    const char* error = nullptr;
    resampler_.reset(libsoxr().create(sound_->rate(), rate, 1, &error, nullptr, &quality, nullptr));
    check(error);
  }

  const std::string& name() const override { return sound_->name(); }
  int rate() const override { return rate_; }

  size_t read(std::span<float> to) override {
    size_t made = 0;
    while (made == 0) {
      if (begin_ == end_ && !ended_) {
        begin_ = 0;
        end_ = sound_->read(block_);
        ended_ = end_ == 0;
      }
      size_t used = 0;
      check(libsoxr().process(resampler_.get(), ended_ ? nullptr : block_.data() + begin_,
                              end_ - begin_, &used, to.data(), to.size(), &made));
      begin_ += used;
      if (ended_) break;
    }
    return made;
  }

 private:
  void check(const char* error) const {
    if (error == nullptr) return;
    fail("{}: can't be brought from {} to {} Hz: {}", name(), sound_->rate(), rate_,
         printable(error));
  }

  struct Destroy {
    void operator()(void* resampler) const { libsoxr().destroy(resampler); }
  };
  std::unique_ptr<SoundReader> sound_;
  int rate_;
  std::unique_ptr<void, Destroy> resampler_;
  std::vector<float> block_;  // of which [begin_, end_) are still to be taken
  size_t begin_ = 0;
  size_t end_ = 0;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<SoundReader> resampled(std::unique_ptr<SoundReader> sound, int rate) {
  if (sound->rate() == rate) return sound;
  if (!libsoxr().is_there) {
    throw MissingLibrary(
        sound->name(),
        fmt::format("sound of {} Hz is brought to {} Hz by libsoxr.so.0, which is not installed "
                    "(Debian package libsoxr0)",
                    sound->rate(), rate));
  }
  return std::make_unique<ResampledSound>(std::move(sound), rate);
}

}  // namespace fovea
