// Videos and sounds as samples for training, of sources that count how often they are read.
#include "fovea/data/media_samples.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "fovea/data/batches.h"
#include "fovea/io/fail.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

// Frame t of video i is of the grey 10 i + t.
class GreyFrames : public FrameSource {
 public:
  GreyFrames(int64_t video, int64_t count, int side) : video_(video), count_(count), side_(side) {}
  const std::string& name() const override { return name_; }
  int64_t count() const override { return count_; }
  double seconds_of_step() const override { return 0; }
  void read(std::span<const int64_t> places, const TakeFrame& take) override {
    for (size_t i = 0; i < places.size(); ++i) {
      const int64_t grey = 10 * video_ + std::min(places[i], count_ - 1);
      take(i, {side_, side_, std::vector<uint8_t>(3 * side_ * side_, static_cast<uint8_t>(grey))});
    }
  }

 private:
  std::string name_ = "grey";
  int64_t video_, count_;
  int side_;
};

// A tone of sound i, so many samples long at 16 kHz.
class Tone : public SoundReader {
 public:
  Tone(int64_t sound, size_t samples) : sound_(sound), left_(samples) {}
  const std::string& name() const override { return name_; }
  int rate() const override { return 16'000; }
  size_t read(std::span<float> to) override {
    const size_t count = std::min(to.size(), left_);
    for (size_t i = 0; i < count; ++i) {
      to[i] = static_cast<float>(std::sin(0.1 * static_cast<double>(1 + sound_) * at_++));
    }
    left_ -= count;
    return count;
  }

 private:
  std::string name_ = "tone";
  int64_t sound_;
  size_t left_;
  double at_ = 0;
};

class Media : public Dataset {
 public:
  Media(int64_t frames, int side) : frames_(frames), side_(side) {}
  int64_t size() const override { return 4; }
  const std::vector<std::string>& classes() const override { return classes_; }
  int label(int64_t i) const override { return static_cast<int>(i) % 2; }
  const LeftOut& left_out() const override { return left_out_; }
  std::string name(int64_t i) const override { return "media " + std::to_string(i); }
  Image read(int64_t i) const override { fail("{}: no picture", name(i)); }
  std::unique_ptr<FrameSource> open_video(int64_t i) const override {
    ++opened;
    return std::make_unique<GreyFrames>(i, frames_, side_);
  }
  std::unique_ptr<SoundReader> open_sound(int64_t i) const override {
    ++opened;
    return std::make_unique<Tone>(i, 160 * static_cast<size_t>(frames_) + 240);
  }
  mutable std::atomic<int> opened = 0;

 private:
  int64_t frames_;
  int side_;
  LeftOut left_out_;
  std::vector<std::string> classes_ = {"a", "b"};
};

constexpr InputSpec kClips = {
    .medium = Medium::video,
    .pictures = {.height = 8, .width = 8, .mean = {0, 0, 0}, .std = {1, 1, 1}, .crop_pct = 1},
    .frames = 3,
    .stride = 2};
constexpr Augmentation kNone = {.crop = Crop::centre, .hflip = 0, .rand_augment = {}, .reprob = 0};

std::vector<float> made(Samples& samples, int64_t i, uint64_t seed) {
  std::vector<float> out(elements(samples.shape()));
  std::vector<SquareMask> masks;
  Random random({seed});
  samples.make(i, random, out, masks);
  return out;
}

// Greys of a clip's frames.
std::vector<int> greys(const std::vector<float>& clip) {
  std::vector<int> all;
  for (size_t t = 0; t < 3; ++t) all.push_back(static_cast<int>(std::lround(255 * clip[t * 64])));
  return all;
}

TEST(ClipSamplesTest, BeginAnywhereInTheirVideo) {
  const Media data(8, 8);
  const auto samples = clip_samples(data, kClips, kNone);
  EXPECT_EQ(samples->shape(), (Shape{3, 3, 8, 8}));
  std::set<int> firsts;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const std::vector<int> clip = greys(made(*samples, 1, seed));
    EXPECT_EQ(clip[1], clip[0] + 2);
    EXPECT_EQ(clip[2], clip[0] + 4);
    firsts.insert(clip[0]);
  }
  EXPECT_EQ(firsts, (std::set<int>{10, 11, 12, 13}));
  EXPECT_EQ(data.opened, 1) << "it stays in memory";
}

TEST(ClipSamplesTest, LongVideosAreReadEachTime) {
  const Media kept(40, 8);    // 8 times a clip's 5 frames
  const Media longer(41, 8);  // of which only a clip is read
  const auto samples = clip_samples(kept, kClips, kNone);
  const auto others = clip_samples(longer, kClips, kNone);
  std::set<int> firsts;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    made(*samples, 1, seed);
    firsts.insert(greys(made(*others, 1, seed))[0]);
  }
  EXPECT_EQ(kept.opened, 1);
  EXPECT_EQ(longer.opened, 20);
  EXPECT_GT(firsts.size(), 5U);
}

TEST(ClipSamplesTest, ShortVideosRepeatTheirLastFrame) {
  const Media data(3, 8);
  const auto samples = clip_samples(data, kClips, kNone);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    EXPECT_EQ(greys(made(*samples, 2, seed)), (std::vector<int>{20, 22, 22}));
  }
}

// All frames of a video that does not move are changed alike.
TEST(ClipSamplesTest, FramesAreChangedAlike) {
  const Media data(1, 20);
  Augmentation all;
  all.hflip = 0.5;
  all.rand_augment.operations = 2;
  all.reprob = 1;
  const auto samples = clip_samples(data, kClips, all);
  std::set<std::vector<float>> different;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const std::vector<float> clip = made(*samples, 3, seed);
    for (size_t channel = 0; channel < 3; ++channel) {
      for (size_t i = 0; i < 64; ++i) {
        const size_t first = channel * 3 * 64 + i;
        ASSERT_EQ(clip[first], clip[first + 64]);
        ASSERT_EQ(clip[first], clip[first + 128]);
      }
    }
    different.insert(clip);
  }
  EXPECT_EQ(different.size(), 10U);
}

TEST(SoundSamplesTest, AreReadOnceAndMeasured) {
  const Media data(6, 0);  // frames of 10 ms
  SoundPreprocessing spec = {.frames = 8, .filters = 16, .assumed = false};
  measure_sounds(data, spec);
  EXPECT_EQ(data.opened, 4);
  const auto samples = sound_samples(data, spec, {});
  EXPECT_EQ(samples->shape(), (Shape{8, 16}));
  double sum = 0;
  double squares = 0;
  for (int64_t i = 0; i < 4; ++i) {
    for (const float value : made(*samples, i, 1)) {
      sum += value;
      squares += value * value;
    }
  }
  EXPECT_NEAR(sum / (4 * 8 * 16), 0, 1e-4) << "with what pads them";
  EXPECT_NEAR(squares / (4 * 8 * 16), 0.25, 1e-4) << "values are divided by twice the deviation";
  for (uint64_t seed = 0; seed < 20; ++seed) made(*samples, 0, seed);
  EXPECT_EQ(data.opened, 8) << "once to be measured, once to be kept";
}

TEST(MediaBatchesTest, AreTheSameWithAnyNumberOfThreads) {
  const Media data(8, 10);
  BatchOptions options;
  options.batch = 4;
  options.mix = {.mixup = 1, .cutmix = 1};
  const auto batch_of = [&](auto samples, int threads) {
    options.threads = threads;
    TrainingBatches batches(std::move(samples), options);
    batches.start(3, 0);
    Batch batch;
    EXPECT_TRUE(batches.next(batch));
    return batch;
  };
  const SoundPreprocessing sound = {.frames = 8, .filters = 16};
  const SoundAugmentation changed = {.gain = 3, .shift = 2, .time_mask = 2, .freq_mask = 3};
  for (const int threads : {1, 3}) {
    const Batch clips = batch_of(clip_samples(data, kClips, Augmentation()), threads);
    EXPECT_EQ(clips.images.shape, (Shape{4, 3, 3, 8, 8}));
    EXPECT_EQ(clips.targets.shape, (Shape{4, 2}));
    EXPECT_EQ(clips.images.data,
              batch_of(clip_samples(data, kClips, Augmentation()), 1).images.data);
    const Batch sounds = batch_of(sound_samples(data, sound, changed), threads);
    EXPECT_EQ(sounds.images.shape, (Shape{4, 8, 16}));
    EXPECT_EQ(sounds.images.data, batch_of(sound_samples(data, sound, changed), 1).images.data);
  }
  options.batch = 5;
  EXPECT_EQ(error_of([&] { batch_of(sound_samples(data, sound, changed), 1); }),
            "4 sounds; expected at least as many as a batch has, 5");
}

}  // namespace
}  // namespace fovea
